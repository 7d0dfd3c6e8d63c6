import fc from "fast-check";
import { expect, test } from "vitest";
import { minuteOf, monthOf, secondsUntil } from "./period.ts";

const anyTime = fc.date({
  min: new Date("2000-01-01T00:00:00Z"),
  max: new Date("2100-01-01T00:00:00Z"),
  noInvalidDate: true,
});

test("a month begins on its first day in UTC, also for a moment that is another month elsewhere", () => {
  const { from, to } = monthOf(new Date("2026-12-31T23:59:59.999Z"));
  expect([from.toISOString(), to.toISOString()]).toEqual([
    "2026-12-01T00:00:00.000Z",
    "2027-01-01T00:00:00.000Z",
  ]);
});

test.each([monthOf, minuteOf])(
  "every moment lies in its period, and the end is in the next one (%o)",
  (periodOf) => {
    fc.assert(
      fc.property(anyTime, (now) => {
        const { from, to } = periodOf(now);
        expect(from <= now && now < to).toBe(true);
        expect(periodOf(to).from).toEqual(to);
        expect(periodOf(from)).toEqual({ from, to });
      }),
    );
  },
);

test("a wait is told in whole seconds, rounded up, and is never zero", () => {
  const now = new Date("2026-01-01T00:00:00.000Z");
  const after = (ms: number) => secondsUntil(new Date(now.getTime() + ms), now);
  expect([after(-5), after(0), after(1), after(1000), after(1001)]).toEqual([1, 1, 1, 1, 2]);
});
