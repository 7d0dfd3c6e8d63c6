// JSON Schema as zod writes it, without what tells a reader nothing.

import { z } from "zod";

export type JsonSchema = {
  type?: string | string[];
  description?: string;
  default?: unknown;
  enum?: unknown[];
  const?: unknown;
  examples?: unknown[];
  format?: string;
  pattern?: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  items?: JsonSchema;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  additionalProperties?: boolean | JsonSchema;
  propertyNames?: JsonSchema;
  anyOf?: JsonSchema[];
};

export type Direction = "input" | "output";

export function jsonSchema(schema: z.ZodType, io: Direction): JsonSchema {
  const { $schema: _, ...json } = z.toJSONSchema(schema, {
    io,
    override: ({ jsonSchema }) => trim(jsonSchema as JsonSchema, io),
  });
  return json as JsonSchema;
}

function trim(node: JsonSchema, io: Direction): void {
  // zod spells each format out as a regular expression, 300 characters for a date.
  if (node.format) delete node.pattern;
  if (node.minimum === Number.MIN_SAFE_INTEGER) delete node.minimum;
  if (node.maximum === Number.MAX_SAFE_INTEGER) delete node.maximum;
  // An older client may meet a newer server, so an answer may have more fields than it knows.
  if (io === "output" && node.additionalProperties === false) delete node.additionalProperties;
}

/** The alternatives of a schema besides null. */
export function alternatives(schema: JsonSchema): JsonSchema[] {
  return (schema.anyOf ?? [schema]).filter(({ type }) => type !== "null");
}
