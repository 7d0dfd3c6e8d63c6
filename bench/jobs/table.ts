// Numbers of several rounds, and what is said of them: medians, how far they spread, and ratios.

import type { Rate } from "./rate.ts";

export type Samples = Record<string, number[]>;

export type Line = {
  what: string;
  ours: string;
  theirs: string;
  must: number;
  goal?: number;
  /** The smaller the better: the ratio must not be above. */
  atMost?: boolean;
};

export function add(samples: Samples, name: string, value: number): void {
  samples[name] = [...(samples[name] ?? []), value];
  console.error(`  ${name.padEnd(44)} ${format(value)}`);
}

export function addRate(samples: Samples, name: string, { perSecond, cpuUs }: Rate): void {
  add(samples, name, perSecond);
  add(samples, cpuOf(name), cpuUs);
}

const cpuOf = (name: string) => `${name}, CPU µs`;

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** Each round is compared with itself: what slows the machine for a while slows both sides. */
export function compare(samples: Samples, { what, ours, theirs, must, goal, atMost = false }: Line) {
  const ratios = ratiosOf(samples, ours, theirs);
  const ratio = median(ratios);
  const fits = (limit: number | undefined) =>
    limit === undefined ? "-" : (atMost ? ratio <= limit : ratio >= limit) ? "yes" : "no";
  return {
    what,
    ours: median(samples[ours] ?? []),
    theirs: median(samples[theirs] ?? []),
    ratio,
    /** How many times less processor time one of ours takes. */
    cheaper: median(ratiosOf(samples, cpuOf(theirs), cpuOf(ours))),
    spread: [Math.min(...ratios), Math.max(...ratios)] as const,
    must: `${atMost ? "≤ " : ""}${must}`,
    goal: goal === undefined ? "-" : `${atMost ? "≤ " : ""}${goal}`,
    mustReached: fits(must),
    goalReached: fits(goal),
  };
}

function ratiosOf(samples: Samples, above: string, below: string): number[] {
  const divisors = samples[below] ?? [];
  return (samples[above] ?? []).map((value, round) => value / (divisors[round] ?? Number.NaN));
}

export function table(lines: readonly ReturnType<typeof compare>[]): string {
  const head = ["what", "Rotor", "peer", "ratio", "spread", "CPU", "must", "", "goal", ""];
  const rows = lines.map((line) => [
    line.what,
    format(line.ours),
    format(line.theirs),
    line.ratio.toFixed(2),
    line.spread.map((ratio) => ratio.toFixed(2)).join("–"),
    Number.isNaN(line.cheaper) ? "-" : line.cheaper.toFixed(2),
    line.must,
    line.mustReached,
    line.goal,
    line.goalReached,
  ]);
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0)));
  const lineOf = (row: string[]) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  const rule = widths.map((width) => "-".repeat(width));
  return [head, rule, ...rows].map(lineOf).join("\n");
}

export function format(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString("en") : value.toFixed(2);
}
