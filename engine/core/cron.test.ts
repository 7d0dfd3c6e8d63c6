import { CronExpressionParser } from "cron-parser";
import fc from "fast-check";
import { expect, test } from "vitest";
import { nextCivil, parseCron } from "./cron.ts";

function next(text: string, after: string, count = 3): string[] {
  const found: string[] = [];
  let at: number | null = Date.parse(`${after}Z`);
  while (found.length < count) {
    at = nextCivil(parseCron(text), at as number);
    if (at === null) return found;
    found.push(new Date(at).toISOString().slice(0, 19));
  }
  return found;
}

test.each([
  ["*/15 * * * *", ["2026-01-31T22:15:00", "2026-01-31T22:30:00", "2026-01-31T22:45:00"]],
  ["0 9 * * 1-5", ["2026-02-02T09:00:00", "2026-02-03T09:00:00", "2026-02-04T09:00:00"]],
  ["0 9 * * MON-FRI", ["2026-02-02T09:00:00", "2026-02-03T09:00:00", "2026-02-04T09:00:00"]],
  ["*/20 * * * * *", ["2026-01-31T22:00:20", "2026-01-31T22:00:40", "2026-01-31T22:01:00"]],
  ["0 0 L * *", ["2026-02-28T00:00:00", "2026-03-31T00:00:00", "2026-04-30T00:00:00"]],
  ["0 0 * * 5L", ["2026-02-27T00:00:00", "2026-03-27T00:00:00", "2026-04-24T00:00:00"]],
  ["0 0 * * TUE#2", ["2026-02-10T00:00:00", "2026-03-10T00:00:00", "2026-04-14T00:00:00"]],
  ["0 0 13 * 5", ["2026-02-06T00:00:00", "2026-02-13T00:00:00", "2026-02-20T00:00:00"]],
  ["0 0 29 2 *", ["2028-02-29T00:00:00", "2032-02-29T00:00:00", "2036-02-29T00:00:00"]],
  ["5/20 4 * * 7", ["2026-02-01T04:05:00", "2026-02-01T04:25:00", "2026-02-01T04:45:00"]],
  ["@daily", ["2026-02-01T00:00:00", "2026-02-02T00:00:00", "2026-02-03T00:00:00"]],
  ["@Hourly", ["2026-01-31T23:00:00", "2026-02-01T00:00:00", "2026-02-01T01:00:00"]],
  ["@yearly", ["2027-01-01T00:00:00", "2028-01-01T00:00:00", "2029-01-01T00:00:00"]],
])("%s names these times", (text, times) => {
  expect(next(text, "2026-01-31T22:00:00")).toEqual(times);
});

test("a leap day is found across 2100, which has none", () => {
  expect(next("0 0 29 2 *", "2096-03-01T00:00:00", 1)).toEqual(["2104-02-29T00:00:00"]);
});

test.each([
  ["0 0 30 2 *", "never fires"],
  ["0 0 31 4,6,9,11 *", "never fires"],
  ["* * *", "must have 5 fields"],
  ["* * * * * * *", "must have 5 fields"],
  ["", "must have 5 fields"],
  ["@fortnightly", "no such nickname"],
  ["60 * * * *", "minute must be 0 to 59"],
  ["* 24 * * *", "hour must be 0 to 23"],
  ["* * 0 * *", "day of month must be 1 to 31"],
  ["* * * 13 *", "month must be 1 to 12 or a name"],
  ["* * * * 8", "day of week must be 0 to 7 or a name"],
  ["* * * * FRI-MON", "ends before it begins"],
  ["*/0 * * * *", "step of 0"],
  ["1.5 * * * *", "minute cannot be read"],
  ["1,,2 * * * *", "minute cannot be read"],
  ["-1 * * * *", "minute cannot be read"],
  ["* * * * MONDAY", "day of week must be"],
])("%s is refused: it %s", (text, problem) => {
  expect(() => parseCron(text)).toThrow(problem);
});

const numbers = (min: number, max: number) => fc.integer({ min, max });

/** A field as people write it. */
function field(min: number, max: number): fc.Arbitrary<string> {
  const range = fc
    .tuple(numbers(min, max), numbers(min, max))
    .map(([a, b]) => [Math.min(a, b), Math.max(a, b)]);
  const step = numbers(1, max - min + 1);
  return fc.oneof(
    { weight: 3, arbitrary: fc.constant("*") },
    { weight: 3, arbitrary: numbers(min, max).map(String) },
    { weight: 1, arbitrary: range.map(([from, to]) => `${from}-${to}`) },
    { weight: 1, arbitrary: fc.tuple(range, step).map(([[from, to], by]) => `${from}-${to}/${by}`) },
    { weight: 1, arbitrary: step.map((by) => `*/${by}`) },
    {
      weight: 1,
      arbitrary: fc
        .uniqueArray(numbers(min, max), { minLength: 2, maxLength: 4 })
        .map((all) => all.join(",")),
    },
  );
}

const expression = fc
  .tuple(field(0, 59), field(0, 59), field(0, 23), field(1, 28), field(1, 12), field(0, 6))
  .map((fields) => fields.join(" "));

test("it finds the times that an independent implementation finds", () => {
  const start = fc.integer({ min: Date.UTC(2000, 0), max: Date.UTC(2060, 0) });
  fc.assert(
    fc.property(expression, start, (text, from) => {
      const other = CronExpressionParser.parse(text, { tz: "UTC", currentDate: new Date(from) });
      const cron = parseCron(text);
      let at = from;
      for (let count = 0; count < 5; count++) {
        at = nextCivil(cron, at) as number;
        expect(new Date(at).toISOString()).toBe(other.next().toDate().toISOString());
      }
    }),
    { numRuns: 400 },
  );
});
