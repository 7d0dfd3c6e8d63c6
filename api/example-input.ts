// An input to show: what is required, and the optional fields that the contract gives an example of.

import type { Json, Operation } from "@rotorsh/contract";
import { z } from "zod";
import { alternatives, type JsonSchema, jsonSchema } from "./json-schema.ts";

export function exampleInput({ input }: Operation): Json {
  const { properties = {}, required = [] } = jsonSchema(input, "input");
  const shown = Object.entries(properties).filter(
    ([name]) => required.includes(name) || hasOwnExample(input.shape[name]),
  );
  return Object.fromEntries(shown.map(([name, schema]) => [name, exampleOf(schema)]));
}

/** An example of the field itself; that of the type it is made of says nothing about whether to send it. */
function hasOwnExample(field: z.ZodType | undefined): boolean {
  return field !== undefined && z.globalRegistry.get(field)?.examples !== undefined;
}

/** Stands where the contract says too little; a test finds it. */
export const noExample = "…";

const exampleByFormat: Record<string, string> = {
  email: "ada@example.com",
  uri: "https://app.example.com",
  "date-time": "2026-01-31T09:00:00Z",
};

function exampleOf(schema: JsonSchema): unknown {
  const [given] = [schema.examples?.[0], schema.const, schema.default, schema.enum?.[0]].filter(
    (value) => value !== undefined,
  );
  if (given !== undefined) return given;
  if (schema.anyOf) return exampleOf(alternatives(schema)[0] ?? {});
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  switch (type) {
    case "integer":
    case "number":
      return schema.minimum ?? 1;
    case "boolean":
      return true;
    case "array":
      return schema.items ? [exampleOf(schema.items)] : [];
    case "object":
      return exampleObject(schema);
    default:
      return exampleByFormat[schema.format ?? ""] ?? noExample;
  }
}

function exampleObject({ properties = {}, required = [] }: JsonSchema): Json {
  return Object.fromEntries(required.map((name) => [name, exampleOf(properties[name] ?? {})]));
}
