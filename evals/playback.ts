// L2: recorded turns against the real server and a real database.

import type { Json } from "@rotorsh/contract";
import type { Case } from "./case.ts";
import { hashOf, type Recording } from "./recordings.ts";
import type { Server } from "./server.ts";
import { setStage } from "./stage.ts";
import { find, type Turn } from "./transcript.ts";

export type Playback = {
  case: string;
  /** `set up`: nothing is recorded of the case, but its beginning can be made. */
  state: "passed" | "failed" | "stale" | "set up";
  why: string[];
};

export async function playBack(server: Server, one: Case, recording: Recording): Promise<Playback> {
  const stage = await setStage(server, one);
  try {
    if (hashOf(stage.tools) !== recording.tools) {
      return { case: one.id, state: "stale", why: ["the tools' texts have changed since"] };
    }
    const why: string[] = [];
    const played: Turn[] = [];
    for (const turn of recording.turns) {
      const now = await stage.call(turn.tool, bind(turn.arguments, played) as Json);
      if (now.isError !== turn.isError) why.push(`${turn.tool} ${now.isError ? "fails now" : "failed then"}`);
      played.push(now);
    }
    why.push(...(await stage.differences()));
    return { case: one.id, state: why.length === 0 ? "passed" : "failed", why };
  } finally {
    await stage.close();
  }
}

export async function trySetup(server: Server, one: Case): Promise<Playback> {
  try {
    await (await setStage(server, one)).close();
    return { case: one.id, state: "set up", why: [] };
  } catch (error) {
    return { case: one.id, state: "failed", why: [`cannot be set up: ${(error as Error).message}`] };
  }
}

/** The turns of a case's own first solution, carried out; undefined where that is not enough to reach its end. */
export async function recordReference(server: Server, one: Case): Promise<Recording | undefined> {
  const [calls = []] = one.expect;
  const isOpen = calls.some((call) =>
    Object.values(call.arguments).some((value) => hasRule(value, ["$any", "$match", "$count"])),
  );
  if (isOpen || calls.length === 0) return undefined;
  const stage = await setStage(server, one);
  try {
    const turns: Turn[] = [];
    for (const call of calls)
      turns.push(await stage.call(call.tool, concrete(call.arguments, turns) as Json));
    if (isRefused(turns.at(-1) as Turn)) return undefined;
    return recordingOf(one, one.prompts[0] as string, hashOf(stage.tools), { turns, answer: "" });
  } finally {
    await stage.close();
  }
}

/** A call that asks for a confirmation has done what it should. */
function isRefused({ isError, result }: Turn): boolean {
  return isError && (result.error as Json | undefined)?.code !== "CONFIRMATION_REQUIRED";
}

type Said = { turns: readonly Turn[]; answer: string };

/** What the case itself does not say came from an earlier answer, if one had it. */
export function recordingOf(one: Case, prompt: string, tools: string, { turns, answer }: Said): Recording {
  const known = JSON.stringify(one);
  const recorded = turns.map(({ tool, arguments: given, isError }, index) => {
    const args = mapLeaves(given, (leaf) => {
      if (typeof leaf !== "string" || leaf.length < 8 || known.includes(leaf)) return leaf;
      return sourceOf(leaf, turns.slice(0, index)) ?? leaf;
    });
    return { tool, arguments: args, isError };
  });
  return { case: one.id, prompt, tools, turns: recorded as Recording["turns"], answer };
}

/** Turn and path of the newest answer that has the value. */
function sourceOf(leaf: string, turns: readonly Turn[]): { $from: string[] } | undefined {
  for (const [index, { result }] of [...turns.entries()].reverse()) {
    const path = pathTo(leaf, result);
    if (path) return { $from: [String(index), ...path] };
  }
  return undefined;
}

function bind(value: unknown, played: readonly Turn[]): unknown {
  return mapLeaves(value, (leaf) => {
    if (!hasRule(leaf, ["$from"])) return leaf;
    const results = played.map(({ result }) => result);
    return ((leaf as Json).$from as string[]).reduce<unknown>((at, step) => (at as Json)?.[step], results);
  });
}

function concrete(value: unknown, turns: readonly Turn[]): unknown {
  return mapLeaves(value, (leaf) => {
    if (hasRule(leaf, ["$in"])) return ((leaf as Json).$in as unknown[])[0];
    if (hasRule(leaf, ["$result"])) return find(String((leaf as Json).$result), turns);
    return leaf;
  });
}

function hasRule(value: unknown, rules: readonly string[]): boolean {
  return typeof value === "object" && value !== null && rules.some((rule) => rule in value);
}

function mapLeaves(value: unknown, change: (leaf: unknown) => unknown): unknown {
  const isLeaf = typeof value !== "object" || value === null || hasRule(value, ["$in", "$result", "$from"]);
  if (isLeaf) return change(value);
  if (Array.isArray(value)) return value.map((item) => mapLeaves(item, change));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapLeaves(item, change)]));
}

function pathTo(wanted: string, value: unknown, path: string[] = []): string[] | undefined {
  if (value === wanted) return path;
  if (typeof value !== "object" || value === null) return undefined;
  for (const [key, item] of Object.entries(value)) {
    const found = pathTo(wanted, item, [...path, key]);
    if (found) return found;
  }
  return undefined;
}
