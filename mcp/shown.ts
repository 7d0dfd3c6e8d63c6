// What of an answer an agent is shown. Its context is dear, so long values are cut, and the answer says where and
// how to get the rest. What jobs and handlers wrote is named as data: an agent must not take it for instructions.

import type { Json } from "@rotorsh/contract";

export const formats = ["concise", "detailed"] as const;
export type Format = (typeof formats)[number];

export type Shown = {
  body: Json;
  /** Fields that hold what jobs and handlers wrote, e.g. `attempts[].response`. */
  untrusted: string[];
  /** Fields that were cut. */
  cut: string[];
};

/** Longest text or value of each format; the next shorter ones are taken until the answer is small enough. */
const longest: Record<Format, readonly number[]> = {
  concise: [1000, 300, 100],
  detailed: [20_000, 5000, 1000, 300, 100],
};
/** Hosts cut off answers of more than 25,000 tokens. */
const largest = 60_000;

/** Fields whose texts, and all below them, were written by handlers, enqueuers or a judge, although they have a type. */
const written = new Set([
  "concurrencyKey",
  "error",
  "fail_reason",
  "judge_reason",
  "prompt",
  "response",
  "step",
  "tags",
  "unasked_steps",
  "user_agent",
]);

/** A step is named by code that may put anything into its name. */
const stepName = /(^|\.)(steps\[\]|failing_step)\.name$/;

function isWritten(path: readonly string[]): boolean {
  return path.some((part) => written.has(part.replace("[]", ""))) || stepName.test(path.join("."));
}

export function show(schema: Json, body: Json, format: Format): Shown {
  let shown: Shown = { body, untrusted: [], cut: [] };
  for (const limit of longest[format]) {
    shown = walkAll(schema, body, limit, format === "concise");
    if (JSON.stringify(shown.body).length <= largest) break;
  }
  return shown;
}

type Walk = { limit: number; dropsEmpty: boolean; untrusted: Set<string>; cut: Set<string> };

function walkAll(schema: Json, body: Json, limit: number, dropsEmpty: boolean): Shown {
  const walk: Walk = { limit, dropsEmpty, untrusted: new Set(), cut: new Set() };
  const shown = walkValue(schema, body, [], walk) as Json;
  return { body: shown, untrusted: [...walk.untrusted], cut: [...walk.cut] };
}

function walkValue(schema: Json | undefined, value: unknown, path: readonly string[], walk: Walk): unknown {
  if (value === null || value === undefined) return value;
  const node = variantOf(schema, value);
  const isOpen = node === undefined || (node.type === undefined && node.properties === undefined);
  if (isOpen) return isEmpty(value) ? value : cutValue(value, mark(walk.untrusted, path), walk);
  if (typeof value === "string") return cutText(value, path, walk);
  if (Array.isArray(value)) {
    const { items } = node as { items?: Json };
    return value.map((item) => walkValue(items, item, [...path.slice(0, -1), `${path.at(-1)}[]`], walk));
  }
  return typeof value === "object" ? walkObject(node, value as Json, path, walk) : value;
}

function walkObject(node: Json, value: Json, path: readonly string[], walk: Walk): Json {
  const properties = (node.properties ?? {}) as Record<string, Json>;
  const others =
    typeof node.additionalProperties === "object" ? (node.additionalProperties as Json) : undefined;
  const entries = Object.entries(value).flatMap(([name, field]) => {
    const known = Object.hasOwn(properties, name) ? properties[name] : others;
    const shown = walkValue(known, field, [...path, name], walk);
    return walk.dropsEmpty && path.length > 0 && isEmpty(shown) ? [] : [[name, shown] as const];
  });
  return Object.fromEntries(entries);
}

/** Of a union the member that the value fits by its kind. */
function variantOf(schema: Json | undefined, value: unknown): Json | undefined {
  const variants = schema?.anyOf as Json[] | undefined;
  if (!variants) return schema;
  const kind = Array.isArray(value) ? "array" : typeof value;
  return variants.find(({ type }) => type === kind) ?? variants.find(({ type }) => type !== "null");
}

function cutText(text: string, path: readonly string[], walk: Walk): string {
  if (isWritten(path)) mark(walk.untrusted, path);
  if (text.length <= walk.limit) return text;
  mark(walk.cut, path);
  return `${text.slice(0, walk.limit)}… [${text.length - walk.limit} more characters]`;
}

/** Any JSON: small ones stay what they are, large ones become the beginning of their text. */
function cutValue(value: unknown, path: string, walk: Walk): unknown {
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "");
  if (text.length <= walk.limit) return value;
  walk.cut.add(path);
  return `${text.slice(0, walk.limit)}… [${text.length - walk.limit} more characters]`;
}

function mark(marks: Set<string>, path: readonly string[]): string {
  const name = path.join(".");
  marks.add(name);
  return name;
}

function isEmpty(value: unknown): boolean {
  if (value === null || value === undefined) return true;
  if (typeof value !== "object") return value === "";
  return Object.keys(value).length === 0;
}
