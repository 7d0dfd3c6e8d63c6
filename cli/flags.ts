// The flags of a command: one per input field, and those that every command has.

import type { Operation } from "@rotorsh/contract";
import { z } from "zod";
import { kebab } from "./text.ts";
import { type JsonSchema, typeOf, type ValueType } from "./value-type.ts";

export type Flag = {
  /** In kebab case, without the dashes. */
  name: string;
  /** A switch takes no value. */
  isSwitch: boolean;
  describe: string;
  /** The input field it fills. */
  field?: string;
  type?: ValueType;
  required?: boolean;
  example?: unknown;
};

const flag = (name: string, describe: string): Flag => ({ name, isSwitch: false, describe });
const toggle = (name: string, describe: string): Flag => ({ name, isSwitch: true, describe });

export const globalFlags: Flag[] = [
  flag("api-key", "Key for this command only; prefer ROTOR_API_KEY or `rotor login`."),
  flag("url", "Server (ROTOR_API_URL); default http://127.0.0.1:8787. Also --api-url."),
  flag("api-url", "The same as --url."),
  flag("workspace", "Workspace of a team key (ROTOR_WORKSPACE)."),
  flag("admin-token", "Operator's token (ROTOR_ADMIN_TOKEN), for `rotor admin`."),
  toggle("json", "Print the answer as JSON."),
  toggle("quiet", "Print errors only."),
  toggle("force", "Do not ask before something is destroyed."),
  flag("idempotency-key", "Makes a repeated write answer what the first one answered."),
  toggle("help", "Show help for a command."),
  toggle("version", "Print the version."),
];

export const inputFlag = flag("input", "A JSON object with all fields: text, @file, a file, or - for stdin.");
const stdinFlag = toggle("stdin", "Read the value from stdin, to keep it out of the shell's history.");
const allFlag = toggle("all", "Fetch every page.");
const formatFlag = flag("format", "`table`, `json` or `csv`.");

/** Fields that are worth piping in. */
const pipedFields = ["value", "payload", "data"];

export function pipedFieldOf({ input }: Operation): string | undefined {
  return pipedFields.find((name) => name in input.shape);
}

export function isList({ input, output }: Operation): boolean {
  return "cursor" in input.shape && "nextCursor" in output.shape;
}

/** A flag per input field; and where a field has the name of another flag, the field has it. */
export function fieldFlags({ input }: Operation): Flag[] {
  const schema = z.toJSONSchema(input, { io: "input", unrepresentable: "any" }) as JsonSchema;
  return Object.entries(schema.properties ?? {}).map(([field, property]) => {
    const type = typeOf(property);
    return {
      name: kebab(field),
      isSwitch: [...type.kinds].every((kind) => kind === "boolean" || kind === "null"),
      describe: property.description ?? "",
      field,
      type,
      required: schema.required?.includes(field) ?? false,
      example: property.examples?.[0],
    };
  });
}

/** Flags that an operation has beside its fields. */
export function operationFlags(operation: Operation): Flag[] {
  return [
    ...(isList(operation) ? [allFlag] : []),
    ...(operation.csv ? [formatFlag] : []),
    ...(pipedFieldOf(operation) ? [stdinFlag] : []),
    inputFlag,
  ];
}

export function withoutClashes(flags: Flag[]): Flag[] {
  const seen = new Set<string>();
  return flags.filter(({ name }) => !seen.has(name) && seen.add(name));
}
