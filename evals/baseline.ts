// What L1 found the last time it was written down. It is committed, so no change makes tools harder to find unnoticed:
// `npm run generate` writes down what is no worse, and only `npm run eval -- --record` what is.

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { askedAt, readCases } from "./case.ts";
import { judgeRetrieval, type Search } from "./retrieval.ts";
import { type Address, addresses, listing, readTools } from "./tools.ts";

const Ranks = z.record(z.string(), z.int().positive());
/** For each prompt of `dev`, the rank of the first tool that was wanted. */
const Baseline = z.strictObject({ default: Ranks, all: Ranks });
export type Baseline = z.output<typeof Baseline>;

export const baselinePath = "evals/baseline.json";
const file = join(import.meta.dirname, "..", baselinePath);
const within = [1, 5] as const;

export async function readBaseline(): Promise<Baseline> {
  return Baseline.parse(JSON.parse(await readFile(file, "utf8")));
}

export async function measureBaseline(): Promise<Baseline> {
  const tools = await readTools();
  const cases = await readCases("dev");
  const ranks = (address: Address) =>
    ranksOf(judgeRetrieval(listing(tools, address), askedAt(cases, address)).searches);
  return { default: ranks("default"), all: ranks("all") };
}

export async function writeBaseline(baseline: Baseline): Promise<void> {
  await writeFile(file, textOf(baseline));
}

/** Sorted, so that a new case is a small difference. */
export function textOf(baseline: Baseline): string {
  const sorted = addresses.map((address) => [
    address,
    Object.fromEntries(Object.entries(baseline[address]).sort(([one], [other]) => (one < other ? -1 : 1))),
  ]);
  return `${JSON.stringify(Object.fromEntries(sorted), null, 2)}\n`;
}

/** Where recall fell, and the prompts that are found later than before. Only what both know counts: a new case is no drop. */
export function drops(before: Baseline, now: Baseline): string[] {
  return addresses.flatMap((address) => {
    const shared = Object.keys(before[address]).filter((prompt) => prompt in now[address]);
    return within.flatMap((limit) => {
      const isFound = (baseline: Baseline, prompt: string) => (baseline[address][prompt] as number) <= limit;
      const count = (baseline: Baseline) => shared.filter((prompt) => isFound(baseline, prompt)).length;
      if (count(now) >= count(before)) return [];
      const lost = shared
        .filter((prompt) => isFound(before, prompt) && !isFound(now, prompt))
        .map((prompt) => `"${prompt}" (${before[address][prompt]} → ${now[address][prompt]})`);
      const fell = `${count(before)} → ${count(now)} of ${shared.length}`;
      return [`${address}: recall@${limit} fell, ${fell}; found later: ${lost.join(", ")}`];
    });
  });
}

function ranksOf(searches: readonly Search[]): Record<string, number> {
  return Object.fromEntries(searches.map(({ prompt, rank }) => [prompt, rank]));
}
