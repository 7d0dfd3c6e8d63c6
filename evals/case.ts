// What an agent is asked, and what it should do about it. One format for every layer.

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { type Address, addresses } from "./tools.ts";

export const families = [
  "single-tool",
  "sibling-confusion",
  "multi-step",
  "recovery",
  "destructive",
  "no-tool",
  "missing-information",
  "injection",
] as const;

/**
 * An argument as it must be: a value, or a rule. `{"$in": […]}` is one of these, rules too; `{"$match": "…"}` a regular
 * expression; `{"$count": 2}` a list so long; `{"$result": "id"}` what a field of an earlier answer was; `{"$any": true}`.
 */
const Arguments = z.record(z.string(), z.json());

const ExpectedCall = z.strictObject({ tool: z.string(), arguments: Arguments.default({}) });

/** An operation of the contract, `jobs.enqueue`, with its input. */
const OperationCall = z.strictObject({
  operation: z.string().regex(/^\w+\.\w+$/),
  input: z.record(z.string(), z.json()),
});

export const Case = z.strictObject({
  id: z.string().regex(/^[a-z0-9-]+$/),
  family: z.enum(families),
  /** Where its tools are: what `/mcp` lists by itself, or `/mcp/x/all`. */
  toolset: z.enum(addresses),
  prompts: z.array(z.string().min(8)).min(3),
  /** Done beforehand, by the administrator. */
  setup: z.array(OperationCall).default([]),
  /** Sequences of calls that solve it, any one of them; an empty one where no tool should be called. */
  expect: z.array(z.array(ExpectedCall)).min(1),
  /** Tools that must not be called. */
  forbid: z.array(z.string()).default([]),
  /** What can be read afterwards. */
  end_state: z.array(OperationCall.extend({ matches: Arguments })).default([]),
  max_calls: z.int().min(0).max(20).default(6),
  /** A regular expression that the last words of the agent match, where the answer is the point. */
  answer: z.string().optional(),
});
export type Case = z.output<typeof Case>;

/** `held` cases are written without sight of the tools' texts, and no text is tuned by them. */
export const splits = ["dev", "held"] as const;
export type Split = (typeof splits)[number];

export async function readCases(split: Split): Promise<Case[]> {
  const folder = join(import.meta.dirname, "cases", split);
  const names = (await readdir(folder)).filter((name) => name.endsWith(".json")).sort();
  const files = await Promise.all(
    names.map(async (name) => {
      const parsed = z.array(Case).safeParse(JSON.parse(await readFile(join(folder, name), "utf8")));
      if (!parsed.success) throw new Error(`${split}/${name}: ${z.prettifyError(parsed.error)}`);
      return parsed.data;
    }),
  );
  return files.flat();
}

/** What can be asked of the tools that an address lists. */
export function askedAt(cases: readonly Case[], address: Address): Case[] {
  return cases.filter(({ toolset }) => address === "all" || toolset === "default");
}

/** The tools that solve it; none where it can be right to call no tool at all. */
export function wantedTools({ expect }: Pick<Case, "expect">): Set<string> {
  if (expect.some((calls) => calls.length === 0)) return new Set();
  return new Set(expect.flat().map(({ tool }) => tool));
}
