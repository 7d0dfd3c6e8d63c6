import { expect, test } from "vitest";
import { afterDrive, afterFailure, mostSteps, oversized, tooLarge } from "./drive-end.ts";
import { driveAgainMs, retryAfterMs } from "./run.ts";

test("a step that asks for a time of its own gets it; otherwise the wait grows to an hour", () => {
  expect(retryAfterMs(1, 5000, 0)).toBe(5000);
  expect(retryAfterMs(1, undefined, 1)).toBe(1000);
  expect(retryAfterMs(50, undefined, 1)).toBe(60 * 60 * 1000);
});

test("an app that is away is asked twelve times, one that refuses five times", () => {
  const asked = (refused: boolean) => {
    let failures = 1;
    while (driveAgainMs({ message: "", refused }, failures, 0.5) !== undefined) failures++;
    return failures;
  };
  expect([asked(false), asked(true)]).toEqual([12, 5]);
});

const driven = { attempt: 1, failures: 0, hook: null };
const ended = { steps: [], asked: [] };

test("who waits only for time sleeps, who waits for anything else waits", () => {
  const sleep = { kind: "sleep", key: "a", name: "a", forMs: 1 } as const;
  const event = { kind: "event", key: "b", name: "b", event: "e", timeoutMs: 1 } as const;
  const next = (waits: (typeof sleep | typeof event)[]) =>
    afterDrive(driven, { ...ended, state: "waiting", waits }, 0);
  expect(next([sleep])).toMatchObject({ kind: "wait", status: "sleeping" });
  expect(next([sleep, event])).toMatchObject({ kind: "wait", status: "waiting" });
});

test("a match that cannot be used fails the run and names the step", () => {
  const waits = [
    { kind: "event", key: "b", name: "reply", event: "e", match: "data.a =", timeoutMs: 1 } as const,
  ];
  expect(afterDrive(driven, { ...ended, state: "waiting", waits }, 0)).toMatchObject({
    kind: "failed",
    error: { message: expect.stringMatching(/^The match of step "reply" cannot be used: .*character 8/) },
  });
});

test("a hook's failure is noted and changes nothing else", () => {
  const error = { name: "Error", message: "no" };
  const told = afterDrive(
    { ...driven, hook: "onSuccess" },
    { ...ended, state: "failed", error, retryable: true },
    0,
  );
  expect(told).toEqual({ kind: "told", hook: "onSuccess", error });
});

test("a drive that comes to nothing is repeated, and in the end fails the run with the reason", () => {
  const failure = { message: "The app could not be reached.", refused: false };
  expect(afterFailure(driven, failure, 0)).toMatchObject({ kind: "again", failures: 1 });
  expect(afterFailure({ ...driven, failures: 11 }, failure, 0)).toMatchObject({
    kind: "failed",
    error: { message: failure.message },
  });
});

test("a run has 10,000 steps and 32 MB of results at most", () => {
  expect(tooLarge(mostSteps, 32 * 1024 * 1024)).toBeUndefined();
  expect(tooLarge(mostSteps + 1, 0)?.message).toMatch(/10000 steps/);
  expect(tooLarge(1, 32 * 1024 * 1024 + 1)?.message).toMatch(/32 MB/);
});

const large = "é".repeat(2.2 * 1024 * 1024);

test.each([
  [
    "a step's result",
    { state: "yielded", steps: [{ name: "fetch", outcome: { ok: large } }] },
    /"fetch" is larger than 4 MB/,
  ],
  [
    "what a step sends",
    { state: "yielded", steps: [{ name: "tell", outcome: { ok: null }, send: { name: "e", data: large } }] },
    /"tell" sends is larger than 512 KB/,
  ],
  ["the function's result", { state: "completed", output: large, steps: [] }, /function is larger than 4 MB/],
  [
    "what a step invokes with",
    { state: "waiting", waits: [{ kind: "invoke", name: "ask", data: large }], steps: [] },
    /"ask" invokes with is larger than 512 KB/,
  ],
])("%s has a limit in bytes, and the error names it", (_, result, message) => {
  expect(oversized(result as never)?.message).toMatch(message);
  const small = JSON.parse(JSON.stringify(result).replaceAll(large, large.slice(0, 1000)));
  expect(oversized(small)).toBeUndefined();
});
