// From arguments to the input of an operation, checked before anything is sent.

import { isRotorError, type Json, type Operation, type Problem, parseInput } from "@rotorsh/contract";
import { type Flag, pipedFieldOf } from "./flags.ts";
import type { Invocation } from "./invocation.ts";
import { readAll } from "./io.ts";
import { createReadSource, type ReadSource } from "./source.ts";
import { kebab } from "./text.ts";
import { UsageError } from "./usage-error.ts";
import { toValue, typeOf } from "./value-type.ts";

export async function readInput(
  invocation: Invocation,
  operation: Operation,
  flags: readonly Flag[],
): Promise<Json> {
  const readSource = createReadSource(() => readAll(invocation.io.stdin));
  const input = {
    ...(await fromInputFlag(invocation, readSource)),
    ...(await fromFlags(invocation, flags, readSource)),
    ...(await fromPositionals(invocation, operation, flags, readSource)),
    ...(await fromStdin(invocation, operation, flags)),
  };
  check(operation, input, invocation.words);
  return input;
}

async function fromInputFlag({ option }: Invocation, readSource: ReadSource): Promise<Json> {
  const given = option("input");
  if (given === undefined) return {};
  const isText = given === "-" || /^\s*[{@]/.test(given);
  const input = await toValue(
    typeOf({ type: "object" }),
    [isText ? given : `@${given}`],
    "--input",
    readSource,
  );
  if (typeof input === "object" && input !== null && !Array.isArray(input)) return input as Json;
  throw new UsageError("--input must be a JSON object.");
}

async function fromFlags(
  { args }: Invocation,
  flags: readonly Flag[],
  readSource: ReadSource,
): Promise<Json> {
  const input: Json = {};
  for (const { name, field, type } of flags) {
    if (field === undefined || type === undefined) continue;
    const texts = args.texts.get(name);
    if (texts) input[field] = await toValue(type, texts, `--${name}`, readSource);
    const isOn = args.switches.get(name);
    if (isOn !== undefined) input[field] = isOn;
  }
  return input;
}

async function fromPositionals(
  { args, words }: Invocation,
  { positionals: names = [] }: Operation,
  flags: readonly Flag[],
  readSource: ReadSource,
): Promise<Json> {
  const extra = args.positionals[names.length];
  if (extra !== undefined) {
    throw new UsageError(`\`${extra}\` is one argument too many.`, `Usage: ${usageOf(words, names)}`);
  }
  const input: Json = {};
  for (const [index, text] of args.positionals.entries()) {
    const field = names[index] as string;
    const type = flags.find((flag) => flag.field === field)?.type ?? typeOf({ type: "string" });
    input[field] = await toValue(type, [text], `<${field}>`, readSource);
  }
  return input;
}

/** The line end that `echo` adds is not part of a secret. */
async function fromStdin(
  { io, isOn }: Invocation,
  operation: Operation,
  flags: readonly Flag[],
): Promise<Json> {
  const field = pipedFieldOf(operation);
  if (!isOn("stdin") || !field) return {};
  const text = (await readAll(io.stdin)).replace(/\r?\n$/, "");
  const type = flags.find((flag) => flag.field === field)?.type ?? typeOf({ type: "string" });
  return { [field]: await toValue(type, [text], "stdin", async (given) => given) };
}

function check(operation: Operation, input: Json, words: readonly string[]): void {
  try {
    parseInput(operation.input, input);
  } catch (error) {
    if (!isRotorError(error)) throw error;
    const problems = error.details.problems as Problem[];
    const sentences = problems.map((problem) => describe(problem, operation));
    throw new UsageError(sentences.join("\n"), `Usage: ${usageOf(words, operation.positionals)}`, error);
  }
}

/** Says a problem in the words of the command line. */
function describe({ path, problem, nearest }: Problem, { positionals = [] }: Operation): string {
  const [field = "", ...inner] = path.split(".");
  const flag = positionals.includes(field) ? `<${field}>` : `--${kebab(field)}`;
  const where = inner.length > 0 ? `${flag}: ${inner.join(".")}` : flag;
  return `${field ? where : "The input"} ${problem}${nearest ? `; did you mean ${nearest}?` : "."}`;
}

export function usageOf(words: readonly string[], positionals: readonly string[] = []): string {
  return ["rotor", ...words, ...positionals.map((name) => `<${name}>`)].join(" ");
}
