// Rules for the texts of tools that need no model: what breaks them confuses one.

import type { Json } from "@rotorsh/contract";
import type { Tool } from "./tools.ts";
import { wordsOf } from "./words.ts";

/** Tools that are taken for each other: each says when the other is meant. */
const siblings: readonly (readonly [string, string])[] = [
  ["set_queue_state", "drain_queue"],
  ["trigger_workflow", "invoke_workflow"],
  ["retry_job", "replay_failed_jobs"],
  ["get_job", "explain_job"],
  ["get_run", "explain_run"],
  ["approve_run", "approve_job"],
  ["cancel_run", "cancel_job"],
];

/** Above this share of common words, two descriptions say the same. */
const mostAlike = 0.6;
const longestDescription = 700;

/** What is wrong with the texts; nothing when all is well. */
export function lint(tools: readonly Tool[]): string[] {
  return [
    ...tools.flatMap(problemsOf),
    ...siblings.flatMap((pair) => unnamedSibling(tools, pair)),
    ...unknownTools(tools),
    ...lookalikes(tools),
  ];
}

function problemsOf({ name, description, annotations, inputSchema }: Tool): string[] {
  const problems: string[] = [];
  if (!/^([a-z]+(_[a-z]+)+|whoami)$/.test(name) || name.length > 64) problems.push("is not verb_noun");
  if (description.length > longestDescription)
    problems.push(`has a description over ${longestDescription} characters`);
  if (/\byou (?:must|should|have to)\b/i.test(description)) problems.push("commands its reader");
  for (const hint of ["readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"]) {
    if (typeof annotations[hint] !== "boolean") problems.push(`does not say ${hint}`);
  }
  for (const [field, schema] of Object.entries((inputSchema.properties ?? {}) as Record<string, Json>)) {
    if (!schema.description) problems.push(`does not describe ${field}`);
  }
  return problems.map((problem) => `${name} ${problem}`);
}

function unnamedSibling(tools: readonly Tool[], pair: readonly [string, string]): string[] {
  const [one, other] = pair.map((name) => tools.find((tool) => tool.name === name));
  if (!one || !other) return [];
  return [
    ...(one.description.includes(other.name) ? [] : [`${one.name} does not say when ${other.name} is meant`]),
    ...(other.description.includes(one.name) ? [] : [`${other.name} does not say when ${one.name} is meant`]),
  ];
}

/** Names in snake_case that look like a tool's and are none, nor a field of one. */
function unknownTools(tools: readonly Tool[]): string[] {
  const verbs = new Set(tools.map(({ name }) => name.split("_")[0]));
  const names = new Set(tools.map(({ name }) => name));
  return tools.flatMap(({ name, description, inputSchema }) =>
    (description.match(/\b[a-z]+(?:_[a-z]+)+\b/g) ?? [])
      .filter((word) => verbs.has(word.split("_")[0]) && !names.has(word))
      .filter((word) => !(word in ((inputSchema.properties ?? {}) as Json)))
      .map((word) => `${name} mentions ${word}, which is no tool`),
  );
}

function lookalikes(tools: readonly Tool[]): string[] {
  const described = tools.map(({ name, description }) => ({ name, words: new Set(wordsOf(description)) }));
  return described.flatMap((one, index) =>
    described
      .slice(index + 1)
      .filter((other) => likeness(one.words, other.words) > mostAlike)
      .map((other) => `${one.name} and ${other.name} say nearly the same`),
  );
}

function likeness(one: Set<string>, other: Set<string>): number {
  const common = [...one].filter((word) => other.has(word)).length;
  return common / (one.size + other.size - common);
}
