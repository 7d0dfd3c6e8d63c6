import type { Dispatcher } from "undici";
import { expect, test } from "vitest";
import { Attempt, type Outcome } from "./attempt.ts";

/** As undici does just before it writes a request; true when it was told to let it be. */
function begin(attempt: Attempt): boolean {
  let aborted = false;
  const controller = { abort: () => (aborted = true) };
  attempt.onRequestStart(controller as unknown as Dispatcher.DispatchController);
  return aborted;
}

function build(timeoutMs: number) {
  const outcomes: Outcome[] = [];
  const settle = (outcome: Outcome) => void outcomes.push(outcome);
  return { outcomes, attempt: new Attempt({ timeoutMs, maxResponseBytes: 10, settle, release: () => {} }) };
}

test("I4: a process that was frozen for longer than the time-out sends nothing when it wakes", () => {
  const { attempt, outcomes } = build(5);
  // Nothing else runs meanwhile, the timer neither: to this process it is the same as being stopped.
  const wake = performance.now() + 10;
  while (performance.now() < wake);
  expect(begin(attempt)).toBe(true);
  expect(outcomes).toMatchObject([{ kind: "timeout" }]);
});

test("a request whose time is not over is sent", () => {
  const { attempt, outcomes } = build(60_000);
  expect(begin(attempt)).toBe(false);
  expect(outcomes).toEqual([]);
  attempt.fail("connection", "The end of this test.");
});
