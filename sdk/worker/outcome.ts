// What a processor's return or throw means for the attempt.

import type { Contract, InputOf } from "@rotorsh/contract";

export type AttemptEnd = InputOf<Contract["jobs"]["end"]>["ends"][number];
export type Outcome = Omit<AttemptEnd, "id" | "lease">;

/** As the server keeps it. */
const largestResultBytes = 64 * 1024;
const longestMessage = 2000;
const longestWaitSeconds = 86_400;

/** A result that cannot be kept does not undo the work: the job is completed without one. */
export function completed(result: unknown, warn: (problem: string) => void): Outcome {
  if (result === undefined) return { outcome: "completed" };
  let text: string | undefined;
  try {
    text = JSON.stringify(result);
  } catch {
    warn("a result is not JSON and was not kept");
  }
  if (text === undefined) return { outcome: "completed" };
  if (new TextEncoder().encode(text).length > largestResultBytes) {
    warn("a result is larger than 64 KB and was not kept");
    return { outcome: "completed" };
  }
  return { outcome: "completed", result };
}

/** Errors are known by name, because several copies of a package may be installed. */
const finalNames = new Set(["NonRetriableError", "UnrecoverableError"]);

export function failed(error: unknown, nowMs: number): Outcome {
  const { name, message, retryAfter } = toError(error);
  const wait = name === "RetryAfterError" ? secondsUntil(retryAfter, nowMs) : undefined;
  return {
    outcome: "failed",
    message: (message || name).slice(0, longestMessage),
    ...(finalNames.has(name) && { final: true }),
    ...(wait !== undefined && { retry_after_seconds: wait }),
  };
}

function toError(error: unknown): { name: string; message: string; retryAfter?: unknown } {
  if (error instanceof Error) return error;
  const { name = "Error", message = String(error) } = (error ?? {}) as Partial<Error>;
  return { name, message };
}

/** Milliseconds, a date, or a text that is one. */
function secondsUntil(retryAfter: unknown, nowMs: number): number | undefined {
  const ms =
    typeof retryAfter === "number" ? retryAfter : new Date(retryAfter as string | Date).getTime() - nowMs;
  return Number.isFinite(ms) ? Math.min(Math.max(0, ms / 1000), longestWaitSeconds) : undefined;
}
