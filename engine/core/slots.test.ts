import { expect, test } from "vitest";
import { mostInFlight, shareOf } from "./slots.ts";

test("a queue alone may have more than any concurrency allows", () => {
  expect(shareOf(mostInFlight, 0)).toBeGreaterThan(1000);
});

test("when slow queues have taken what they may, another one still starts a few", () => {
  expect(shareOf(500, 1000)).toBe(0);
  expect(shareOf(500, 0)).toBe(8);
  expect(shareOf(500, 5)).toBe(3);
  expect(shareOf(500, 8)).toBe(0);
});

test("nobody takes what is not there", () => {
  expect(shareOf(0, 0)).toBe(0);
  expect(shareOf(3, 0)).toBe(3);
});
