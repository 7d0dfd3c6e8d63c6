import { isRotorError, type JobState, jobStates } from "@rotorsh/contract";
import { describe, expect, test } from "vitest";
import { endAttempt, type JobEvent, nextState, requireNextState } from "./job.ts";
import { outcomeOf } from "./response.ts";
import { type Backoff, longestDelayMs, retryDelayMs } from "./retry.ts";

type Name =
  | Exclude<JobEvent["type"], "attempt_failed">
  | "failed_for_good"
  | "failed_for_now"
  | "approved_early";

const events: Record<Name, JobEvent> = {
  claimed: { type: "claimed" },
  due: { type: "due" },
  succeeded: { type: "succeeded" },
  failed_for_good: { type: "attempt_failed", final: true },
  failed_for_now: { type: "attempt_failed", final: false },
  cancelled: { type: "cancelled" },
  approved: { type: "approved" },
  approved_early: { type: "approved", early: true },
  rejected: { type: "rejected" },
  held: { type: "held" },
  blocked: { type: "blocked" },
  released: { type: "released" },
  retried: { type: "retried" },
};

const no: Record<Name, JobState | undefined> = {
  ...{ claimed: undefined, due: undefined, succeeded: undefined, cancelled: undefined, approved: undefined },
  ...{ failed_for_good: undefined, failed_for_now: undefined, rejected: undefined, blocked: undefined },
  ...{ released: undefined, retried: undefined, held: undefined, approved_early: undefined },
};

const stopped = { held: "pending_approval", blocked: "guardrail.blocked" } as const;

// Total on purpose: a new state or event does not compile until every pair has an answer.
const outcomes: Record<JobState, Record<Name, JobState | undefined>> = {
  waiting: { ...no, ...stopped, claimed: "active", cancelled: "cancelled" },
  delayed: { ...no, ...stopped, due: "waiting", cancelled: "cancelled" },
  active: { ...no, succeeded: "completed", failed_for_good: "failed", failed_for_now: "delayed" },
  pending_approval: {
    ...no,
    ...{ approved: "waiting", approved_early: "delayed", rejected: "failed", cancelled: "cancelled" },
  },
  "guardrail.blocked": { ...no, released: "waiting", cancelled: "cancelled" },
  failed: { ...no, retried: "waiting" },
  completed: no,
  cancelled: no,
};

describe.each(jobStates)("a job that is %s", (state) => {
  test.each(Object.entries(events))("and %s", (name, event) => {
    const outcome = outcomes[state][name as Name];
    expect(nextState(state, event)).toBe(outcome);
    const required = () => requireNextState({ id: "job_1", state }, event);
    if (outcome) expect(required()).toBe(outcome);
    else expect(codeOf(required)).toBe("JOB_STATE_CONFLICT");
  });
});

function codeOf(act: () => unknown): string {
  try {
    act();
    return "ok";
  } catch (error) {
    if (isRotorError(error)) return error.code;
    throw error;
  }
}

test("I2: nothing but a retry leaves an ended job, and that only a failed one", () => {
  const leaving = (["completed", "failed", "cancelled"] as const).flatMap((state) =>
    Object.entries(outcomes[state]).filter(([, next]) => next !== undefined),
  );
  expect(leaving).toEqual([["retried", "waiting"]]);
});

test("what was rejected is not retried, and the refusal says what to do instead", () => {
  const retry = (reason: string) => () =>
    requireNextState({ id: "job_1", state: "failed", reason }, { type: "retried" });
  expect(retry("http_500")()).toBe("waiting");
  expect(retry("rejected")).toThrow(expect.objectContaining({ hint: expect.stringContaining("new job") }));
});

const fixed: Backoff = { type: "fixed", delay: 1000, jitter: 0 };
const failed = { kind: "failed", reason: "http_500", message: "The handler answered 500." } as const;

test("an attempt that failed is followed by another, until there are none left", () => {
  const ends = [1, 2, 3].map((attempt) =>
    endAttempt({ attempt, maxAttempts: 3, backoff: fixed }, failed, 0.5),
  );
  expect(ends.map(({ state }) => state)).toEqual(["delayed", "delayed", "failed"]);
  expect(ends.map(({ dueMs }) => dueMs)).toEqual([1000, 1000, null]);
});

test.each([
  ["shorter than our own wait", 10, 1000],
  ["longer than our own wait", 5000, 5000],
  ["longer than any wait may be", 10 * longestDelayMs, longestDelayMs],
])("a receiver that asks for a pause %s", (_, retryAfterMs, dueMs) => {
  const end = endAttempt({ attempt: 1, maxAttempts: 3, backoff: fixed }, { ...failed, retryAfterMs }, 0.5);
  expect(end.dueMs).toBe(dueMs);
});

test("410 fails for good with attempts left; a redirect is a failure like any other", () => {
  const end = (status: number) =>
    endAttempt(
      { attempt: 1, maxAttempts: 3, backoff: fixed },
      outcomeOf({ kind: "response", status, body: "" }),
      0,
    );
  expect(end(410)).toMatchObject({ state: "failed", reason: "http_410" });
  expect(end(302)).toMatchObject({ state: "delayed", reason: "http_302" });
  expect(end(204)).toMatchObject({ state: "completed", result: null });
});

test("an exponential wait doubles up to a day, and jitter takes away at most its share", () => {
  const backoff: Backoff = { type: "exponential", delay: 1000, jitter: 0.2 };
  expect([1, 2, 3, 4].map((attempt) => retryDelayMs({ ...backoff, jitter: 0 }, attempt, 0))).toEqual([
    1000, 2000, 4000, 8000,
  ]);
  expect(retryDelayMs(backoff, 1, 0)).toBe(800);
  expect(retryDelayMs(backoff, 1, 0.999_999)).toBe(1000);
  expect(retryDelayMs({ ...backoff, jitter: 0 }, 100, 0)).toBe(longestDelayMs);
});
