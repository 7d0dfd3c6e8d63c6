import fc from "fast-check";
import { expect, test } from "vitest";
import { type Canary, errorRate, mostSent, mostUnderWay, nextMove } from "./canary.ts";

const fresh: Canary = {
  stage: 0,
  total: 5000,
  walked: false,
  sent: 0,
  completed: 0,
  failed: 0,
  gone: 0,
  maxErrorRate: 0.2,
};

test.each([
  ["1 % first", {}, { kind: "send", most: 50, stage: 0 }],
  ["at least one", { total: 3 }, { kind: "send", most: 1, stage: 0 }],
  ["waits for what was sent", { sent: 50, completed: 40 }, { kind: "wait" }],
  ["10 % next", { sent: 50, completed: 45, failed: 5 }, { kind: "send", most: 450, stage: 1 }],
  ["then all, in parts", { stage: 1, sent: 500, completed: 500 }, { kind: "send", most: mostSent, stage: 2 }],
  [
    "no more under way than is good",
    { stage: 2, sent: 4000, completed: 4000 - mostUnderWay },
    { kind: "wait" },
  ],
  ["stops as soon as the rate must be passed", { sent: 50, failed: 11 }, { kind: "stop" }],
  [
    "goes on at exactly the rate",
    { sent: 50, failed: 10, completed: 40 },
    { kind: "send", most: 450, stage: 1 },
  ],
  ["ends with the last", { stage: 2, walked: true, sent: 4990, completed: 4990 }, { kind: "finish" }],
  ["waits for the last", { stage: 2, walked: true, sent: 4990, completed: 4989 }, { kind: "wait" }],
  ["does not wait for what is gone", { walked: true, sent: 2, gone: 1, completed: 1 }, { kind: "finish" }],
  ["ends at once when there is nothing", { total: 0, walked: true }, { kind: "finish" }],
] as const)("%s", (_, changed, move) => {
  expect(nextMove({ ...fresh, ...changed })).toEqual(move);
});

/** Plays a replay of jobs that end as told, some at a time, until it ends. */
function play(outcomes: readonly boolean[], maxErrorRate: number, pace: number): Canary & { end: string } {
  let canary: Canary = { ...fresh, total: outcomes.length, maxErrorRate };
  for (let turns = 0; turns < 100_000; turns++) {
    const move = nextMove(canary);
    if (move.kind === "send") {
      const sent = Math.min(outcomes.length, canary.sent + move.most);
      canary = { ...canary, stage: move.stage, sent, walked: sent === outcomes.length };
    } else if (move.kind === "wait") {
      const ended = canary.completed + canary.failed;
      const now = outcomes.slice(ended, Math.min(canary.sent, ended + pace));
      const completed = now.filter(Boolean).length;
      canary = {
        ...canary,
        completed: canary.completed + completed,
        failed: canary.failed + now.length - completed,
      };
    } else return { ...canary, end: move.kind };
  }
  throw new Error("It never ended");
}

test("it ends, and either all were sent or more failed than is allowed", () => {
  fc.assert(
    fc.property(
      fc.array(fc.boolean(), { maxLength: 4000 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.integer({ min: 1, max: 500 }),
      (outcomes, maxErrorRate, pace) => {
        const { end, sent, failed, completed } = play(outcomes, maxErrorRate, pace);
        if (end === "finish") {
          expect([sent, completed + failed]).toEqual([outcomes.length, outcomes.length]);
          expect(failed).toBeLessThanOrEqual(maxErrorRate * sent);
        } else expect(failed).toBeGreaterThan(maxErrorRate * sent);
      },
    ),
  );
});

test("when every job fails no more than 1 % are tried", () => {
  const { end, sent } = play(
    Array.from({ length: 3000 }, () => false),
    0.2,
    10,
  );
  expect([end, sent]).toEqual(["stop", 30]);
});

test("the error rate is that of the ended", () => {
  expect(errorRate({ completed: 0, failed: 0 })).toBeNull();
  expect(errorRate({ completed: 2, failed: 1 })).toBe(0.333);
});
