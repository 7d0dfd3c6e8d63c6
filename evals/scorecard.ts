// All figures of one evaluation, each with the layer that it is from.

import { type Split, splits } from "./case.ts";
import type { LiveResult } from "./live.ts";
import type { Playback } from "./playback.ts";
import { confusions, type Retrieval } from "./retrieval.ts";
import { passAll, wilson } from "./statistics.ts";
import type { Address } from "./tools.ts";
import { isRight } from "./transcript.ts";

export type HostResult = { check: string; state: "passed" | "failed" | "not run"; why: string };

export type Scorecard = {
  made: string;
  lint: string[];
  retrieval: { address: Address; split: Split; result: Retrieval }[];
  /** What is found later than the committed baseline says. */
  drops: string[];
  playback: Playback[];
  hosts: HostResult[];
  live: { model: string; results: LiveResult[] } | { why: string };
};

/** Floors of the layers that can run anywhere. The held-out half has none: nothing is tuned by it. */
export const floors = { recallAt1: 0.9, recallAt5: 0.99 };

/** What is below its floor; nothing when the evaluation passes. */
export function failures({ lint, retrieval, drops, playback, hosts }: Scorecard): string[] {
  return [
    ...lint.map((problem) => `L0 ${problem}`),
    ...retrieval
      .filter(({ split }) => split === "dev")
      .flatMap(({ address, result }) => [
        ...(result.recallAt1 < floors.recallAt1
          ? [`L1 ${address}: recall@1 ${percent(result.recallAt1)}`]
          : []),
        ...(result.recallAt5 < floors.recallAt5
          ? [`L1 ${address}: recall@5 ${percent(result.recallAt5)}`]
          : []),
      ]),
    ...drops.map((drop) => `L1 ${drop}`),
    ...playback
      .filter(({ state }) => state === "failed")
      .map((one) => `L2 ${one.case}: ${one.why.join("; ")}`),
    ...hosts.filter(({ state }) => state === "failed").map(({ check, why }) => `L3 ${check}: ${why}`),
  ];
}

export function describe(card: Scorecard): string[] {
  return [
    summarise(card),
    `L0 lint         ${card.lint.length === 0 ? "no problems" : `${card.lint.length} problems`}`,
    ...card.retrieval.map(describeRetrieval),
    `L1 baseline     ${card.drops.length === 0 ? "nothing is found later than before" : card.drops.join("; ")}`,
    // What is missed of the held-out half is not shown: nobody is to mend it by that.
    ...card.retrieval.filter(({ split }) => split === "dev").flatMap(describeConfusions),
    describePlayback(card.playback),
    ...describeHosts(card.hosts),
    ...describeLive(card),
  ];
}

/** The figures people ask for first, each with its layer. */
function summarise({ retrieval, live }: Scorecard): string {
  const found = (of: (result: Retrieval) => number) =>
    retrieval
      .map(({ address, split, result }) => `${percent(of(result))} (L1, ${address}, ${split})`)
      .join(" ");
  const chosen =
    "why" in live
      ? "not run (L4)"
      : measuresOf(live.results)
          .slice(0, 1)
          .map(({ successes, trials }) => `${percent(successes / trials)} (L4, ${live.model})`)
          .join();
  return `recall@1 ${found((one) => one.recallAt1)}  recall@5 ${found((one) => one.recallAt5)}  selection ${chosen}`;
}

function describeRetrieval({ address, split, result }: Scorecard["retrieval"][number]): string {
  const { searches, recallAt1, recallAt5, mrr } = result;
  return (
    `L1 retrieval    recall@1 ${percent(recallAt1)}  recall@5 ${percent(recallAt5)}  MRR ${mrr.toFixed(3)}  ` +
    `(${address} tools, ${split}, ${searches.length} prompts; lexical search, says how findable a tool is)`
  );
}

/** A row for each tool that another one came before: what it is, how often it was first, and what was instead. */
function describeConfusions({ address, split, result }: Scorecard["retrieval"][number]): string[] {
  const rows = confusions(result.searches);
  if (rows.length === 0) return [];
  const width = Math.max(...rows.map(({ wanted }) => wanted.length));
  return [
    `L1 confusion    ${address} tools, ${split}: wanted, times found first, what was found first instead`,
    ...rows.map(({ wanted, right, got }) => {
      const others = got.map(({ name, count }) => `${count} × ${name}`).join(", ");
      return `                ${wanted.padEnd(width)} ${String(right).padStart(4)} | ${others}`;
    }),
  ];
}

function describePlayback(playback: readonly Playback[]): string {
  const count = (state: Playback["state"]) => playback.filter((one) => one.state === state).length;
  return (
    `L2 playback     ${count("passed")} passed, ${count("failed")} failed, ${count("stale")} stale ` +
    `(recorded turns on the real server); ${count("set up")} more cases are only set up`
  );
}

function describeHosts(hosts: readonly HostResult[]): string[] {
  return hosts.map(({ check, state, why }) => `L3 host         ${state}: ${check}${why ? ` (${why})` : ""}`);
}

function describeLive({ live }: Scorecard): string[] {
  if ("why" in live) return [`L4 live         not run: ${live.why}`];
  return splits.flatMap((split) => {
    const results = live.results.filter((one) => one.split === split);
    return results.length === 0 ? [] : describeRuns(`${live.model}, ${split}`, results);
  });
}

export type Measure = { name: string; successes: number; trials: number };

/** Forbidden calls are better when fewer; of the others more is better. */
export function measuresOf(results: readonly LiveResult[]): Measure[] {
  const ends = results.filter(({ reached }) => reached !== null);
  const share = (name: string, of: readonly LiveResult[], holds: (one: LiveResult) => boolean) => ({
    name,
    successes: of.filter(holds).length,
    trials: of.length,
  });
  return [
    share("selection", results, ({ verdict }) => verdict.selected),
    {
      name: "arguments",
      successes: sum(results.map(({ verdict }) => verdict.argumentsRight)),
      trials: sum(results.map(({ verdict }) => verdict.argumentsExpected)),
    },
    share("end state", ends, ({ reached }) => reached === true),
    share("forbidden", results, ({ verdict }) => verdict.forbidden.length > 0),
  ];
}

function describeRuns(title: string, results: readonly LiveResult[]): string[] {
  const per = (of: (one: LiveResult) => number) => (sum(results.map(of)) / results.length).toFixed(1);
  const k = Math.min(3, Math.max(...results.map(({ run }) => run)));
  return [
    `L4 live         ${title}: ${results.length} runs, shares with their 95 % intervals`,
    ...measuresOf(results).map((one) => `                ${one.name} ${withInterval(one)}`),
    `                pass^${k} ${percent(passOften(results, k))}  calls ${per(({ calls }) => calls)}  tokens ${per(({ tokens }) => tokens)}`,
  ];
}

/** The chance that k runs of one prompt all succeed, over all prompts. */
function passOften(results: readonly LiveResult[], k: number): number {
  const prompts = [...new Set(results.map(({ prompt }) => prompt))];
  const chances = prompts.map((prompt) => {
    const runs = results.filter((one) => one.prompt === prompt);
    return passAll(
      runs.filter((one) => one.reached !== false && isRight(one.verdict)).length,
      runs.length,
      k,
    );
  });
  return sum(chances) / chances.length;
}

function withInterval({ successes, trials }: Measure): string {
  if (trials === 0) return "nothing to measure";
  const { low, high } = wilson(successes, trials);
  return `${percent(successes / trials)} (${percent(low)} to ${percent(high)}, n = ${trials})`;
}

export function percent(share: number): string {
  return share.toFixed(3);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
