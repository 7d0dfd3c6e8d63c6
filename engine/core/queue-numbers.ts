// What a queue's minutes and buckets say: rates and percentiles.

export type Flow = { accepted: number; completed: number; failed: number };

/** Minutes count back from the running one, which is 0 and not over yet. */
export type Minute = Flow & { ago: number };

/** Per minute, over so many whole minutes and what has passed of the running one. */
export function ratesOf(minutes: readonly Minute[], window: number, secondsIntoMinute: number): Flow {
  const within = minutes.filter(({ ago }) => ago <= window);
  const length = window + secondsIntoMinute / 60;
  const rate = (read: (minute: Minute) => number) =>
    Math.round((within.reduce((sum, minute) => sum + read(minute), 0) / length) * 100) / 100;
  return {
    accepted: rate(({ accepted }) => accepted),
    completed: rate(({ completed }) => completed),
    failed: rate(({ failed }) => failed),
  };
}

/** Bucket 0 holds up to 2 ms, bucket i from 2^i to 2^(i+1), the last one everything longer. */
export function bucketOf(ms: number): number {
  return Math.min(23, Math.floor(Math.log2(Math.max(1, ms))));
}

/** The duration that this share of all stays below: right to within its bucket. Null without durations. */
export function percentile(buckets: readonly number[], share: number): number | null {
  const total = buckets.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  const wanted = Math.max(1, Math.ceil(total * share));
  let seen = 0;
  for (const [index, count] of buckets.entries()) {
    if (seen + count >= wanted) {
      const from = index === 0 ? 0 : 2 ** index;
      return Math.round(from + ((wanted - seen) / count) * (2 ** (index + 1) - from));
    }
    seen += count;
  }
  throw new Error("The buckets hold less than their sum");
}
