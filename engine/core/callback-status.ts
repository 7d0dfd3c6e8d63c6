// What a run in a schedule's history says of the delivery of its job.

import type { CallbackStatus } from "@rotorsh/contract";

type Delivery = {
  /** Of the job; null when there is none any more. */
  state: string | null;
  /** Does its queue call somebody? */
  callback: boolean;
  /** Why the last attempt failed, as a code. */
  reason: string | null;
  /** The last attempt; without a status nobody answered. */
  attempt: { status: number | null } | null;
};

const underWay = new Set(["waiting", "delayed", "active", "pending_approval"]);

export function callbackStatusOf({ state, callback, reason, attempt }: Delivery): CallbackStatus | null {
  if (state === null || !callback) return null;
  if (!attempt) return underWay.has(state) ? "pending" : null;
  if (attempt.status === null) return reason === "timeout" ? "timeout" : "unreachable";
  return (["2xx", "3xx", "4xx"] as const)[Math.floor(attempt.status / 100) - 2] ?? "5xx";
}
