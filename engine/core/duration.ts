const unitMs: Record<string, number> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** `90s`, `1h30m`, or seconds as a number; the form was checked by the contract. */
export function durationMs(duration: string | number): number {
  if (typeof duration === "number") return Math.round(duration * 1000);
  let total = 0;
  for (const [, count, unit] of duration.matchAll(/(\d+)(ms|s|m|h|d|w)/g)) {
    total += Number(count) * (unitMs[unit as string] as number);
  }
  return total;
}
