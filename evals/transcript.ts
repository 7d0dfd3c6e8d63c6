// What an agent did with one prompt, and what of it was right. The end state counts, not the exact path.

import type { Json } from "@rotorsh/contract";
import type { Case } from "./case.ts";

export type Turn = { tool: string; arguments: Json; result: Json; isError: boolean };
export type Transcript = { turns: Turn[]; answer: string; tokens?: number };

export type Verdict = {
  /** The tools of a solution were called, in its order; others may lie between. */
  selected: boolean;
  /** Of the expected arguments, how many were right. */
  argumentsRight: number;
  argumentsExpected: number;
  /** Tools that were called and must not be. */
  forbidden: string[];
  withinCalls: boolean;
  answered: boolean;
};

export function judge(one: Case, { turns, answer }: Transcript): Verdict {
  const solutions = one.expect.map((calls) => follow(calls, turns));
  const best = solutions.reduce((a, b) => (b.selected > a.selected || b.right > a.right ? b : a));
  return {
    selected: best.selected,
    argumentsRight: best.right,
    argumentsExpected: best.expected,
    forbidden: turns.map(({ tool }) => tool).filter((tool) => one.forbid.includes(tool)),
    withinCalls: turns.length <= one.max_calls,
    answered: one.answer === undefined || new RegExp(one.answer, "i").test(answer),
  };
}

export function isRight(verdict: Verdict): boolean {
  const { selected, forbidden, withinCalls, answered } = verdict;
  return selected && forbidden.length === 0 && withinCalls && answered;
}

type Expected = Case["expect"][number];

function follow(calls: Expected, turns: readonly Turn[]) {
  const expected = calls.flatMap((call) => Object.keys(call.arguments)).length;
  if (calls.length === 0) return { selected: turns.length === 0, right: 0, expected };
  let from = 0;
  let right = 0;
  for (const call of calls) {
    const at = turns.findIndex((turn, index) => index >= from && turn.tool === call.tool);
    if (at < 0) return { selected: false, right, expected };
    const turn = turns[at] as Turn;
    const earlier = turns.slice(0, at);
    right += Object.entries(call.arguments).filter(([name, wanted]) =>
      matches(wanted, turn.arguments[name], earlier),
    ).length;
    from = at + 1;
  }
  return { selected: true, right, expected };
}

/** True when a value is what was wanted: the same, a superset of an object, or what a `$…` rule asks for. */
export function matches(wanted: unknown, got: unknown, earlier: readonly Turn[] = []): boolean {
  if (!isObject(wanted)) return JSON.stringify(wanted) === JSON.stringify(got);
  if ("$any" in wanted) return got !== undefined;
  if ("$in" in wanted) return (wanted.$in as unknown[]).some((value) => matches(value, got, earlier));
  if ("$count" in wanted) return Array.isArray(got) && got.length === wanted.$count;
  if ("$match" in wanted) return new RegExp(String(wanted.$match), "i").test(String(got));
  if ("$result" in wanted) return got !== undefined && got === find(String(wanted.$result), earlier);
  return isObject(got) && Object.entries(wanted).every(([name, value]) => matches(value, got[name], earlier));
}

/** The newest value that a field of this name had in an earlier result. */
export function find(field: string, earlier: readonly Turn[]): unknown {
  for (const { result } of [...earlier].reverse()) {
    const value = search(result, field);
    if (value !== undefined) return value;
  }
  return undefined;
}

function search(value: unknown, field: string): unknown {
  if (Array.isArray(value))
    return value.map((item) => search(item, field)).find((found) => found !== undefined);
  if (!isObject(value)) return undefined;
  if (value[field] !== undefined) return value[field];
  return search(Object.values(value), field);
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
