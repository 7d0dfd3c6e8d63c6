import fc from "fast-check";
import { expect, test } from "vitest";
import { bucketOf, percentile, ratesOf } from "./queue-numbers.ts";

test("a percentile lies in the bucket of the exact one", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 1_000_000 }), { minLength: 1 }),
      fc.double({ min: 0.01, max: 1, noNaN: true }),
      (durations, share) => {
        const buckets = Array.from({ length: 24 }, () => 0);
        for (const ms of durations) buckets[bucketOf(ms)] = (buckets[bucketOf(ms)] ?? 0) + 1;
        const exact = durations.toSorted((a, b) => a - b)[Math.ceil(durations.length * share) - 1] as number;
        const read = percentile(buckets, share) as number;
        const from = bucketOf(exact) === 0 ? 0 : 2 ** bucketOf(exact);
        expect(read).toBeGreaterThanOrEqual(from);
        expect(read).toBeLessThanOrEqual(2 ** (bucketOf(exact) + 1));
      },
    ),
  );
});

test("a larger share never has a smaller duration", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(50), { minLength: 24, maxLength: 24 }), (buckets) => {
      fc.pre(buckets.some((count) => count > 0));
      const [p50, p95, p99] = [0.5, 0.95, 0.99].map((share) => percentile(buckets, share) as number);
      expect(p50).toBeLessThanOrEqual(p95 as number);
      expect(p95).toBeLessThanOrEqual(p99 as number);
    }),
  );
});

test("without durations there is no percentile", () => {
  expect(percentile([0, 0, 0], 0.5)).toBeNull();
});

test("rates are per minute, over the whole minutes and what has passed of the running one", () => {
  const minutes = [
    { ago: 0, accepted: 30, completed: 0, failed: 0 },
    { ago: 1, accepted: 60, completed: 15, failed: 3 },
    { ago: 5, accepted: 90, completed: 0, failed: 0 },
  ];
  expect(ratesOf(minutes, 1, 30)).toEqual({ accepted: 60, completed: 10, failed: 2 });
  expect(ratesOf(minutes, 5, 0)).toEqual({ accepted: 36, completed: 3, failed: 0.6 });
});
