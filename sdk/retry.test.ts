import fc from "fast-check";
import { expect, test } from "vitest";
import { backoffMs, isPassing, retryAfterMs } from "./retry.ts";

test("a wait is between nothing and five seconds", () => {
  fc.assert(
    fc.property(fc.nat(50), fc.double({ min: 0, max: 1, noNaN: true }), (retry, chance) => {
      const delay = backoffMs(retry, chance);
      return delay >= 0 && delay <= 5000;
    }),
  );
});

test("the longest wait doubles with each retry", () => {
  expect([0, 1, 2].map((retry) => backoffMs(retry, 1))).toEqual([250, 500, 1000]);
});

test("only statuses that pass by themselves are worth a repetition", () => {
  expect([429, 502, 503, 504].every(isPassing)).toBe(true);
  expect([200, 400, 404, 409, 422, 500].some(isPassing)).toBe(false);
});

test.each([
  [null, undefined],
  ["7", 7000],
  ["0", 0],
  ["Thu, 01 Jan 1970 00:00:12 GMT", 2000],
  ["Thu, 01 Jan 1970 00:00:01 GMT", 0],
  ["soon", undefined],
])("Retry-After %s", (header, expected) => {
  expect(retryAfterMs(header, 10_000)).toBe(expected);
});
