// What a share of so many trials tells.

/** Wilson's interval at 95 %: honest for few trials and for shares near 0 and 1. */
export function wilson(successes: number, trials: number): { low: number; high: number } {
  if (trials === 0) return { low: 0, high: 1 };
  const z = 1.96;
  const share = successes / trials;
  const middle = share + z ** 2 / (2 * trials);
  const spread = z * Math.sqrt((share * (1 - share)) / trials + z ** 2 / (4 * trials ** 2));
  const scale = 1 + z ** 2 / trials;
  return { low: (middle - spread) / scale, high: (middle + spread) / scale };
}

/** The chance that k runs of one case, taken from those that were made, all succeed. */
export function passAll(successes: number, runs: number, k: number): number {
  if (runs < k) return Number.NaN;
  let chance = 1;
  for (let drawn = 0; drawn < k; drawn++) chance *= Math.max(0, successes - drawn) / (runs - drawn);
  return chance;
}
