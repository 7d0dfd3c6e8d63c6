// The JSON Schemas of a tool. Every listed schema is read by a model and paid for in tokens, so what tells a
// reader nothing is left out; the operation's own schema still checks everything.

import type { Json } from "@rotorsh/contract";
import { z } from "zod";

/** What a tool takes. Strict objects say `additionalProperties: false`. */
export function inputSchemaOf(schema: z.ZodObject): Json {
  return jsonSchemaOf(schema, "input", (node) => {
    dropRedundantPattern(node);
    dropUnboundedInteger(node);
    dropPlainPropertyNames(node);
  });
}

const unsaid = [
  "description",
  "format",
  "required",
  "pattern",
  "minimum",
  "maximum",
  "minLength",
  "maxLength",
  "minItems",
  "maxItems",
  "propertyNames",
  "default",
  "examples",
];

/**
 * What a tool answers: names and types, about a third of the tokens of the whole schema, and hosts rarely show
 * it to the model. It neither requires nor forbids fields, so that a client and a server of different versions
 * understand each other.
 */
export function outputSchemaOf(schema: z.ZodObject): Json {
  return jsonSchemaOf(schema, "output", (node) => {
    for (const word of unsaid) delete node[word];
    if (node.additionalProperties === false) delete node.additionalProperties;
  });
}

/** As it is listed: objects inside of things are no more than objects. */
export function briefly(schema: Json): Json {
  const properties = Object.entries((schema.properties ?? {}) as Record<string, Json>);
  const brief = properties.map(([name, field]) => [
    name,
    name === "data" ? rowBriefly(field) : kindOf(field),
  ]);
  return { ...schema, properties: { ...Object.fromEntries(brief), ...added } };
}

/** What every answer may have besides its own fields. */
const added = {
  next_actions: { type: "array" },
  untrusted_data: { type: "array" },
  truncated: { type: "object" },
};

function rowBriefly(list: Json): Json {
  const row = (list.items ?? {}) as Json;
  const fields = Object.entries((row.properties ?? {}) as Record<string, Json>);
  const properties = Object.fromEntries(fields.map(([name, field]) => [name, kindOf(field)]));
  return { ...list, items: { type: "object", properties } };
}

/** The type alone, or with it what a text may say. */
function kindOf(field: Json): Json {
  const variants = (field.anyOf as Json[] | undefined) ?? [field];
  const [first] = variants;
  if (variants.some((variant) => variant.type === undefined && variant.enum === undefined)) return {};
  const types = [...new Set(variants.map(({ type }) => type))];
  if (types.length > 1) return { type: types };
  return first?.enum ? { type: first.type, enum: first.enum } : { type: first?.type };
}

type Node = Record<string, unknown>;

function jsonSchemaOf(schema: z.ZodObject, io: "input" | "output", trim: (node: Node) => void): Json {
  const { $schema: _, ...json } = z.toJSONSchema(schema, {
    io,
    override: ({ jsonSchema }) => {
      dropOwnFormat(jsonSchema as Node);
      dropAliases(jsonSchema as Node);
      mergeNull(jsonSchema as Node);
      trim(jsonSchema as Node);
    },
  });
  return json;
}

/** Formats that JSON Schema defines; zod has more, which some model providers refuse. */
const standardFormats = new Set(["date-time", "date", "time", "email", "uri", "uuid", "ipv4", "ipv6"]);

function dropOwnFormat(node: Node): void {
  if (typeof node.format !== "string" || standardFormats.has(node.format)) return;
  delete node.format;
  delete node.pattern;
}

/** Other names of a field are understood, and not told: one is enough for a model. */
function dropAliases(node: Node): void {
  const properties = (node.properties ?? {}) as Record<string, Node>;
  for (const [name, field] of Object.entries(properties)) if (field.aliasOf) delete properties[name];
}

/** `{anyOf: [{type: "string", …}, {type: "null"}]}` in fewer words. */
function mergeNull(node: Node): void {
  const [value, none, ...others] = (node.anyOf ?? []) as Node[];
  if (none?.type !== "null" || typeof value?.type !== "string" || others.length > 0) return;
  delete node.anyOf;
  const { description = value.description } = node;
  Object.assign(node, value, { type: [value.type, "null"] }, description !== undefined && { description });
  if (Array.isArray(value.enum)) node.enum = [...value.enum, null];
}

/** zod spells each format out as a regular expression, 300 characters for a date. */
function dropRedundantPattern(node: Node): void {
  if (node.format !== undefined) delete node.pattern;
}

function dropUnboundedInteger(node: Node): void {
  if (node.minimum === Number.MIN_SAFE_INTEGER) delete node.minimum;
  if (node.maximum === Number.MAX_SAFE_INTEGER) delete node.maximum;
}

function dropPlainPropertyNames(node: Node): void {
  if (JSON.stringify(node.propertyNames) === '{"type":"string"}') delete node.propertyNames;
}
