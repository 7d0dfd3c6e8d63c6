import { expect, test } from "vitest";
import { z } from "zod";
import { type JsonSchema, toValue, typeOf } from "./value-type.ts";

const readSource = async (text: string) =>
  text === "-" || text.startsWith("@") ? '{"from":"source"}' : text;

function read(schema: z.ZodType, ...texts: string[]): Promise<unknown> {
  const json = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as JsonSchema;
  return toValue(typeOf(json), texts, "--field", readSource);
}

const tags = z.array(z.string());
const payload = z.unknown();
const anObject = z.strictObject({ max: z.int() });

test.each<[string, z.ZodType, string[], unknown]>([
  ["text stays text", z.string(), ["5"], "5"],
  ["text may look like anything", z.string(), ["@me"], "@me"],
  ["the last of several wins", z.string(), ["a", "b"], "b"],
  ["a number", z.int().default(1), ["5"], 5],
  ["a negative number", z.number(), ["-0.5"], -0.5],
  ["a duration or seconds: seconds", z.union([z.int(), z.string()]), ["3600"], 3600],
  ["a duration or seconds: duration", z.union([z.int(), z.string()]), ["90s"], "90s"],
  ["true or false", z.boolean(), ["false"], false],
  ["null where it is allowed", z.string().nullable(), ["null"], null],
  ["the word null where it is not", z.string(), ["null"], "null"],
  ["one of a choice", z.enum(["a", "b"]), ["a"], "a"],
  ["a list by commas", tags, ["a, b,,c"], ["a", "b", "c"]],
  ["a list by repetition", tags, ["a,b", "c"], ["a", "b", "c"]],
  ["a list as JSON", tags, ['["a,b"]'], ["a,b"]],
  ["an empty list", tags, [""], []],
  ["a list of numbers", z.array(z.int()), ["1,2"], [1, 2]],
  [
    "a list of objects by repetition",
    z.array(anObject),
    ['{"max":1}', '{"max":2}'],
    [{ max: 1 }, { max: 2 }],
  ],
  ["an object", anObject, ['{"max":5}'], { max: 5 }],
  ["an object or null", anObject.nullable(), ["null"], null],
  ["an object from a file", anObject, ["@file.json"], { from: "source" }],
  ["an object from stdin", z.record(z.string(), z.unknown()), ["-"], { from: "source" }],
  ["anything as JSON", payload, ["[1]"], [1]],
  ["anything: text as JSON", payload, ['"a"'], "a"],
  ["anything: from a file", payload, ["@file.json"], { from: "source" }],
  ["text or an object: text", z.union([z.string(), anObject]), ["a"], "a"],
  ["text or an object: an object", z.union([z.string(), anObject]), ['{"max":1}'], { max: 1 }],
])("%s", async (_, schema, texts, expected) => {
  expect(await read(schema, ...texts)).toEqual(expected);
});

test.each<[z.ZodType, string, string]>([
  [z.int(), "many", "--field must be a number."],
  [z.int(), "", "--field must be a number."],
  [z.boolean(), "yes", "--field must be true or false."],
  [anObject, '{"max":', "--field must be JSON."],
  [payload, "hello", "--field must be JSON."],
])("%o refuses %s", async (schema, text, message) => {
  await expect(read(schema, text)).rejects.toThrow(message);
});
