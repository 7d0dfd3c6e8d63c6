import { expect, test } from "vitest";
import { afterCall, afterStart, type Breaker, closedBreaker, mayCall, withoutCall } from "./breaker.ts";

const failing = (times: number, nowMs: number): Breaker => {
  let breaker = closedBreaker;
  for (let call = 0; call < times; call++) breaker = afterCall(breaker, false, nowMs);
  return breaker;
};

test("five failures in a row open it for 30 seconds", () => {
  expect(mayCall(failing(4, 0), 0)).toBe(true);
  expect(mayCall(failing(5, 0), 29_999)).toBe(false);
  expect(mayCall(failing(5, 0), 30_000)).toBe(true);
});

test("a success in between closes it", () => {
  expect(mayCall(afterCall(afterCall(failing(4, 0), true, 0), false, 0), 0)).toBe(true);
});

test("after the rest one call is made, and decides for the others", () => {
  const probing = afterStart(failing(5, 0));
  expect(mayCall(probing, 30_000)).toBe(false);
  expect(mayCall(withoutCall(probing), 30_000)).toBe(true);
  expect(mayCall(afterCall(probing, true, 31_000), 31_000)).toBe(true);
  expect(mayCall(afterCall(probing, false, 31_000), 60_999)).toBe(false);
});
