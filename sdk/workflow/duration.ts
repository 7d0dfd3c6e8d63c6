const unitMs: Record<string, number> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

const form = /^(\d{1,9}(ms|s|m|h|d|w))+$/;

/** `30m`, `1h30m`, `2d`; throws a sentence that says what is accepted. */
export function parseDuration(text: string): number {
  if (typeof text !== "string" || !form.test(text)) {
    throw new TypeError(
      `"${String(text).slice(0, 40)}" is not a duration; write for example "90s", "1h30m" or "2d".`,
    );
  }
  let total = 0;
  for (const [, count, unit] of text.matchAll(/(\d+)(ms|s|m|h|d|w)/g)) {
    total += Number(count) * (unitMs[unit as string] as number);
  }
  return total;
}
