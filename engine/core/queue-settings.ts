// A queue's settings: what they are on a new queue, and what a change makes of them.

import { type contract, invalidInput, type ParsedInputOf } from "@rotorsh/contract";
import { durationMs } from "./duration.ts";

type Sent = Omit<ParsedInputOf<typeof contract.queues.update>, "name">;

export type QueueSettings = {
  concurrency: number;
  retryAttempts: number;
  backoff: { type: "fixed" | "exponential"; delay: number; jitter: number };
  timeoutSeconds: number;
  rateLimit: { max: number; period_seconds: number } | null;
  callbackUrl: string | null;
  callbackHeaders: Record<string, string>;
  approvalRequired: boolean;
  approvalTimeoutSeconds: number | null;
  fourEyes: boolean;
};

export const defaultSettings: QueueSettings = {
  concurrency: 1,
  retryAttempts: 3,
  backoff: { type: "exponential", delay: 1000, jitter: 0.2 },
  timeoutSeconds: 30,
  rateLimit: null,
  callbackUrl: null,
  callbackHeaders: {},
  approvalRequired: false,
  approvalTimeoutSeconds: null,
  fourEyes: false,
};

/** Settings after a change. A field that was not sent keeps its value; two names for one setting must agree. */
export function changeSettings(current: QueueSettings, sent: Sent): QueueSettings {
  const attempts = oneOf("retry_attempts", sent.retry_attempts, "attempts", sent.defaultJobOptions?.attempts);
  const backoff = oneOf("backoff", sent.backoff, "backoff", sent.defaultJobOptions?.backoff);
  return {
    concurrency: sent.concurrency ?? current.concurrency,
    retryAttempts: attempts ?? current.retryAttempts,
    backoff: backoff ?? current.backoff,
    timeoutSeconds: sent.timeout_seconds ?? current.timeoutSeconds,
    rateLimit: keptIfUndefined(sent.rate_limit, current.rateLimit),
    callbackUrl: keptIfUndefined(sent.callback_url, current.callbackUrl),
    callbackHeaders: sent.callback_headers ?? current.callbackHeaders,
    approvalRequired: sent.approval_required ?? current.approvalRequired,
    approvalTimeoutSeconds: keptIfUndefined(approvalTimeoutIn(sent), current.approvalTimeoutSeconds),
    fourEyes: sent.four_eyes ?? current.fourEyes,
  };
}

/** True when a change lets jobs pass that a person, or another person, would have had to see. */
export function loosensGate(before: QueueSettings, after: QueueSettings): boolean {
  return (before.approvalRequired && !after.approvalRequired) || (before.fourEyes && !after.fourEyes);
}

function oneOf<T>(name: string, value: T | undefined, alias: string, aliased: T | undefined): T | undefined {
  if (value !== undefined && aliased !== undefined && JSON.stringify(value) !== JSON.stringify(aliased)) {
    throw invalidInput([
      { path: `defaultJobOptions.${alias}`, problem: `disagrees with ${name}; send one of them` },
    ]);
  }
  return value ?? aliased;
}

function approvalTimeoutIn({ approval_timeout_seconds: seconds, approval_timeout: other }: Sent) {
  if (other === undefined) return seconds;
  const length = other === null ? null : Math.round(durationMs(other) / 1000);
  if (seconds !== undefined && seconds !== length) {
    const problem = "disagrees with approval_timeout_seconds; send one of them";
    throw invalidInput([{ path: "approval_timeout", problem }]);
  }
  return length;
}

/** Null is a value here: it clears the setting. */
function keptIfUndefined<T>(sent: T | undefined, current: T): T {
  return sent === undefined ? current : sent;
}

/** A queue's previous secret goes on signing this long after a rotation. */
export const secretOverlapMs = 24 * 60 * 60 * 1000;

export type SecretAction = "keep" | "mint" | "rotate" | "drop";

/** No delivery is unsigned: a queue has a secret exactly as long as it has a callback URL. */
export function secretAction(had: boolean, settings: QueueSettings, rotate: boolean): SecretAction {
  if (!settings.callbackUrl) {
    if (rotate) throw invalidInput([{ path: "rotate_callback_secret", problem: "needs a callback_url" }]);
    return had ? "drop" : "keep";
  }
  if (!had) return "mint";
  return rotate ? "rotate" : "keep";
}
