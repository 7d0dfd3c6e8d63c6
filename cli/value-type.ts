// What a field takes, and how text from a command line becomes that.

import type { ReadSource } from "./source.ts";
import { UsageError } from "./usage-error.ts";

export type Kind = "string" | "number" | "boolean" | "array" | "object" | "null";

export type ValueType = { kinds: ReadonlySet<Kind>; choices: string[]; items?: ValueType };

export type JsonSchema = {
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
  items?: JsonSchema;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  description?: string;
  examples?: unknown[];
  default?: unknown;
};

const everyKind: Kind[] = ["number", "boolean", "array", "object", "null"];

export function typeOf(schema: JsonSchema): ValueType {
  const parts = schema.anyOf ?? schema.oneOf;
  if (parts) return merge(parts.map(typeOf));
  const values = schema.enum ?? ("const" in schema ? [schema.const] : undefined);
  if (values) {
    return {
      kinds: new Set(values.map(kindOf)),
      choices: values.filter((value) => value !== null).map(String),
    };
  }
  // Without a type anything goes, and anything is written as JSON.
  const names = schema.type === undefined ? everyKind : [schema.type].flat();
  const kinds = new Set(names.map((name) => (name === "integer" ? "number" : name) as Kind));
  return { kinds, choices: [], ...(schema.items && { items: typeOf(schema.items) }) };
}

function merge(types: ValueType[]): ValueType {
  const items = types.find((type) => type.items)?.items;
  return {
    kinds: new Set(types.flatMap(({ kinds }) => [...kinds])),
    choices: types.flatMap(({ choices }) => choices),
    ...(items && { items }),
  };
}

function kindOf(value: unknown): Kind {
  return value === null ? "null" : (typeof value as Kind);
}

/** A value from the texts given for it; more than one is a list. `what` names it in an error. */
export async function toValue(
  { kinds, items }: ValueType,
  texts: string[],
  what: string,
  readSource: ReadSource,
): Promise<unknown> {
  const text = texts.at(-1) ?? "";
  if (text === "null" && kinds.has("null")) return null;
  if (kinds.has("array") && !kinds.has("object") && !kinds.has("string")) {
    return toList(items, texts, what, readSource);
  }
  const scalar = toScalar(kinds, text);
  if (scalar !== undefined) return scalar;
  if (kinds.has("object") && (!kinds.has("string") || text.startsWith("{"))) {
    return parseJson(await readSource(text), what);
  }
  if (kinds.has("string")) return text;
  throw new UsageError(`${what} must be ${kinds.has("number") ? "a number" : "true or false"}.`);
}

function toScalar(kinds: ReadonlySet<Kind>, text: string): number | boolean | undefined {
  if (kinds.has("boolean") && (text === "true" || text === "false")) return text === "true";
  if (kinds.has("number") && text.trim() !== "" && Number.isFinite(Number(text))) return Number(text);
  return undefined;
}

async function toList(
  items: ValueType | undefined,
  texts: string[],
  what: string,
  readSource: ReadSource,
): Promise<unknown> {
  const [only = ""] = texts;
  // A comma separates names, but inside an object it is part of the JSON.
  const isJson = items?.kinds.has("object") === true && !items.kinds.has("string");
  if (texts.length === 1 && (/^\s*\[/.test(only) || only === "-" || (isJson && only.startsWith("@")))) {
    return parseJson(await readSource(only), what);
  }
  const parts = isJson ? texts : texts.flatMap((text) => text.split(",")).map((part) => part.trim());
  const given = parts.filter((part) => part !== "");
  if (!items) return given;
  return Promise.all(given.map((part) => toValue(items, [part], what, readSource)));
}

function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new UsageError(
      `${what} must be JSON.`,
      `Quote it for the shell, or pass it as @file.json or - (stdin).`,
    );
  }
}
