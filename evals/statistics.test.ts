import { expect, test } from "vitest";
import { passAll, wilson } from "./statistics.ts";

test("an interval is wide for few trials, and never leaves 0 to 1", () => {
  expect(wilson(5, 10).low).toBeCloseTo(0.2366, 3);
  expect(wilson(5, 10).high).toBeCloseTo(0.7634, 3);
  expect(wilson(10, 10)).toMatchObject({ high: expect.closeTo(1, 6) });
  expect(wilson(0, 0)).toEqual({ low: 0, high: 1 });
});

test("that all of k runs succeed is less likely than that one does", () => {
  expect(passAll(4, 5, 1)).toBeCloseTo(0.8);
  expect(passAll(4, 5, 3)).toBeCloseTo(0.4);
  expect(passAll(2, 5, 3)).toBe(0);
  expect(passAll(2, 2, 3)).toBeNaN();
});
