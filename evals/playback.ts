// L2: recorded turns against the real server and a real database.

import type { Json } from "@rotorsh/contract";
import type { Case } from "./case.ts";
import { hashOf, type Recording } from "./recordings.ts";
import type { Server } from "./server.ts";
import { setStage } from "./stage.ts";
import { find, type Turn } from "./transcript.ts";

export type Playback = { case: string; state: "passed" | "failed" | "stale"; why: string[] };

export async function playBack(server: Server, one: Case, recording: Recording): Promise<Playback> {
  const stage = await setStage(server, one);
  try {
    if (hashOf(stage.tools) !== recording.tools) {
      return { case: one.id, state: "stale", why: ["the tools' texts have changed since"] };
    }
    const why: string[] = [];
    const played: Turn[] = [];
    for (const [index, turn] of recording.turns.entries()) {
      const before = recording.turns.slice(0, index);
      const now = await stage.call(turn.tool, rebind(turn.arguments, before, played) as Json);
      if (now.isError !== turn.isError) why.push(`${turn.tool} ${now.isError ? "fails now" : "failed then"}`);
      played.push(now);
    }
    why.push(...(await stage.differences()));
    return { case: one.id, state: why.length === 0 ? "passed" : "failed", why };
  } finally {
    await stage.close();
  }
}

/** The turns of a case's own first solution, carried out; undefined where it leaves an argument open. */
export async function recordReference(server: Server, one: Case): Promise<Recording | undefined> {
  const calls = one.expect[0] ?? [];
  const isOpen = calls.some((call) =>
    Object.values(call.arguments).some((value) => hasRule(value, ["$any", "$match"])),
  );
  if (isOpen || one.end_state.length === 0) return undefined;
  const stage = await setStage(server, one);
  try {
    const turns: Turn[] = [];
    for (const call of calls)
      turns.push(await stage.call(call.tool, concrete(call.arguments, turns) as Json));
    return {
      case: one.id,
      prompt: one.prompts[0] as string,
      tools: hashOf(stage.tools),
      turns: turns as Recording["turns"],
      answer: "",
    };
  } finally {
    await stage.close();
  }
}

/** Ids and tokens differ from then: a value that came from an earlier result is taken from the same place today. */
function rebind(value: unknown, before: readonly Turn[], played: readonly Turn[]): unknown {
  return mapLeaves(value, (leaf) => {
    if (typeof leaf !== "string" || leaf.length < 8) return leaf;
    for (const [index, { result }] of [...before.entries()].reverse()) {
      const path = pathTo(leaf, result);
      if (path) return path.reduce<unknown>((at, step) => (at as Json)?.[step], played[index]?.result);
    }
    return leaf;
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
  if (typeof value !== "object" || value === null || hasRule(value, ["$in", "$result"])) return change(value);
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
