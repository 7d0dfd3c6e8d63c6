// The life of a job. Pure: no clock, no database, no network.
//
//   pending_approval ──approved──► waiting ◄──due── delayed        (approved early: delayed)
//         │                          │  ▲             ▲
//         └──rejected──► failed      │  └──retried────┼── failed (next generation)
//                                 claimed             │
//                                    ▼                │
//        completed ◄──succeeded── active ──failed, attempts left
//                                    └──failed for good──► failed
//   waiting | delayed | pending_approval ──cancelled──► cancelled
//   waiting | delayed ──held──► pending_approval
//   guardrail.blocked ──released──► waiting

import { type JobState, RotorError } from "@rotorsh/contract";
import { type Backoff, longestDelayMs, retryDelayMs } from "./retry.ts";

export type JobEvent =
  | { type: "claimed" }
  | { type: "due" }
  | { type: "succeeded" }
  | { type: "attempt_failed"; final: boolean }
  | { type: "cancelled" }
  /** `early`: the time it was enqueued for has not come yet. */
  | { type: "approved"; early?: boolean }
  | { type: "rejected" }
  | { type: "held" }
  | { type: "blocked" }
  | { type: "released" }
  | { type: "retried" };

type Next = (event: JobEvent) => JobState | undefined;

const ended = (): undefined => undefined;

const stopped = { held: "pending_approval", blocked: "guardrail.blocked" } as const;

const rules: Record<JobState, Next> = {
  waiting: ({ type }) =>
    (({ claimed: "active", cancelled: "cancelled", ...stopped }) as const)[type as "claimed"],
  delayed: ({ type }) => (({ due: "waiting", cancelled: "cancelled", ...stopped }) as const)[type as "due"],
  active: (event) => {
    if (event.type === "succeeded") return "completed";
    if (event.type === "attempt_failed") return event.final ? "failed" : "delayed";
    return undefined;
  },
  pending_approval: (event) => {
    if (event.type === "approved") return event.early ? "delayed" : "waiting";
    return ({ rejected: "failed", cancelled: "cancelled" } as const)[event.type as "rejected"];
  },
  "guardrail.blocked": ({ type }) =>
    (({ released: "waiting", cancelled: "cancelled" }) as const)[type as "released"],
  failed: ({ type }) => (type === "retried" ? "waiting" : undefined),
  completed: ended,
  cancelled: ended,
};

/** The state after an event, or undefined when the event cannot happen to a job in that state. */
export function nextState(state: JobState, event: JobEvent): JobState | undefined {
  return rules[state](event);
}

/** Why a job failed that a person rejected: the one failure that no retry undoes. */
export const rejectedReason = "rejected";

/** The same, for what somebody asks for: a refusal they can act on. */
export function requireNextState(
  job: { id: string; state: JobState; reason?: string | null },
  event: JobEvent,
): JobState {
  const next = nextState(job.state, event);
  const isRejected = event.type === "retried" && job.reason === rejectedReason;
  if (next && !isRejected) return next;
  const hint = isRejected ? { hint: "It was rejected, which is final. Enqueue a new job, corrected." } : {};
  throw new RotorError("JOB_STATE_CONFLICT", { id: job.id, state: job.state, wanted: event.type }, hint);
}

/** What an attempt came to, as the network or a worker tells it. */
export type AttemptOutcome =
  | { kind: "succeeded"; result: string | null }
  | {
      kind: "failed";
      /** A code a program can switch on: `http_503`, `timeout`, `connection`, `stalled` … */
      reason: string;
      message: string;
      /** The receiver asked never to be asked again. */
      final?: boolean;
      retryAfterMs?: number | undefined;
    };

export type AttemptEnd = {
  state: "completed" | "failed" | "delayed";
  dueMs: number | null;
  result: string | null;
  reason: string | null;
  failReason: string | null;
};

export type Attempts = { attempt: number; maxAttempts: number; backoff: Backoff };

export function endAttempt(
  { attempt, maxAttempts, backoff }: Attempts,
  outcome: AttemptOutcome,
  random: number,
): AttemptEnd {
  if (outcome.kind === "succeeded") {
    return { state: "completed", dueMs: null, result: outcome.result, reason: null, failReason: null };
  }
  const why = { result: null, reason: outcome.reason, failReason: outcome.message };
  if (outcome.final || attempt >= maxAttempts) return { state: "failed", dueMs: null, ...why };
  const own = retryDelayMs(backoff, attempt, random);
  // A receiver may ask for more patience than our backoff, never for less.
  const dueMs = Math.min(Math.max(own, outcome.retryAfterMs ?? 0), longestDelayMs);
  return { state: "delayed", dueMs, ...why };
}
