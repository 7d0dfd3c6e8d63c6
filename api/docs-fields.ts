// A JSON Schema as rows of a table: one per field, those of inner objects with a dotted path.

import { alternatives, type JsonSchema } from "./json-schema.ts";

export type Field = {
  path: string;
  type: string;
  required: boolean;
  default: string | undefined;
  description: string;
  /** Such as `1 to 200`. */
  bounds: string | undefined;
};

export function fieldsOf(schema: JsonSchema, prefix = ""): Field[] {
  const { properties = {}, required = [] } = schema;
  return Object.entries(properties).flatMap(([name, property]) => {
    const path = prefix + name;
    const row: Field = {
      path,
      type: typeOf(property),
      required: required.includes(name),
      default: property.default === undefined ? undefined : JSON.stringify(property.default),
      description: property.description ?? alternatives(property)[0]?.description ?? "",
      bounds: boundsOf(property),
    };
    return [row, ...innerFields(property, path)];
  });
}

function innerFields(schema: JsonSchema, path: string): Field[] {
  const [only, ...others] = alternatives(schema);
  if (!only || others.length > 0) return [];
  if (only.properties) return fieldsOf(only, `${path}.`);
  return only.items ? innerFields(only.items, `${path}[]`) : [];
}

function typeOf(schema: JsonSchema): string {
  if (schema.anyOf) return [...new Set(schema.anyOf.map(typeOf))].join(" or ");
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  const types = [schema.type ?? "any"].flat();
  return types.map((type) => nameOf(type, schema)).join(" or ");
}

function nameOf(type: string, schema: JsonSchema): string {
  if (type === "array") return `list of ${schema.items ? typeOf(schema.items) : "any"}`;
  if (type === "object" && typeof schema.additionalProperties === "object") return "map";
  if (type === "string" && schema.format) return schema.format;
  return type;
}

function boundsOf(schema: JsonSchema): string | undefined {
  const [only, ...others] = alternatives(schema);
  if (!only || others.length > 0) return undefined;
  const { minimum, maximum, minLength, maxLength, minItems, maxItems } = only;
  return (
    range(minimum, maximum, "") ??
    range(minLength, maxLength, " characters") ??
    range(minItems, maxItems, maxItems === 1 ? " entry" : " entries")
  );
}

function range(least: number | undefined, most: number | undefined, unit: string): string | undefined {
  const number = (value: number) => value.toLocaleString("en");
  if (least !== undefined && most !== undefined) return `${number(least)} to ${number(most)}${unit}`;
  if (most !== undefined) return `at most ${number(most)}${unit}`;
  return least === undefined ? undefined : `at least ${number(least)}${unit}`;
}
