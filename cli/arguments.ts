// From the words after a command to flags and positionals. Pure.

import { parseArgs } from "node:util";
import { nearest } from "@rotorsh/contract";
import type { Flag } from "./flags.ts";
import { kebab } from "./text.ts";
import { UsageError } from "./usage-error.ts";

export type Arguments = {
  positionals: string[];
  /** Texts given for each flag that takes a value. */
  texts: Map<string, string[]>;
  switches: Map<string, boolean>;
};

const shortNames: Record<string, string> = { h: "help", v: "version" };

export function parseArguments(argv: readonly string[], flags: readonly Flag[], usage: string): Arguments {
  const known = new Map(flags.map((flag) => [flag.name, flag]));
  const { tokens } = parseArgs({
    args: normalise(argv, known),
    options: optionsFor(flags),
    strict: false,
    tokens: true,
  });
  const parsed: Arguments = { positionals: [], texts: new Map(), switches: new Map() };
  for (const token of tokens) {
    if (token.kind === "positional") parsed.positionals.push(token.value);
    if (token.kind === "option") readOption(token, known, parsed, usage);
  }
  return parsed;
}

type Options = NonNullable<NonNullable<Parameters<typeof parseArgs>[0]>["options"]>;

function optionsFor(flags: readonly Flag[]): Options {
  return Object.fromEntries(
    flags.map(({ name, isSwitch }) => [name, { type: isSwitch ? "boolean" : "string", multiple: true }]),
  );
}

/** Spells flags in kebab case, and joins `--enabled false` where a switch for a field has its value apart. */
function normalise(argv: readonly string[], known: ReadonlyMap<string, Flag>): string[] {
  const result: string[] = [];
  const end = argv.indexOf("--");
  const last = end === -1 ? argv.length : end;
  for (let index = 0; index < last; index++) {
    const text = argv[index] as string;
    const [, name, rest = ""] = /^--([^=]+)(=.*)?$/s.exec(text) ?? [];
    const flag = name === undefined ? undefined : (known.get(name) ?? known.get(kebab(name)));
    const next = argv[index + 1];
    if (!flag) result.push(text);
    else if (flag.field && flag.isSwitch && !rest && (next === "true" || next === "false")) {
      result.push(`--${flag.name}=${next}`);
      index++;
    } else if (!flag.isSwitch && !rest && next !== undefined && index + 1 < last) {
      // Joined, because the value of a flag may itself be spelt like a flag's name.
      if (/^--[a-z]/i.test(next)) throw missingValue(flag.name, next);
      result.push(`--${flag.name}=${next}`);
      index++;
    } else result.push(`--${flag.name}${rest}`);
  }
  return [...result, ...argv.slice(last)];
}

type Option = { name: string; rawName: string; value: string | undefined };

function readOption(token: Option, known: ReadonlyMap<string, Flag>, parsed: Arguments, usage: string): void {
  const { rawName, value } = token;
  const name = rawName.startsWith("--") ? token.name : (shortNames[token.name] ?? token.name);
  const flag = known.get(name);
  const negated = flag ? undefined : known.get(name.replace(/^no-/, ""));
  if (flag?.isSwitch) {
    if (value !== undefined && value !== "true" && value !== "false") {
      throw new UsageError(`--${name} is either there or not; it takes no value.`);
    }
    parsed.switches.set(name, value !== "false");
  } else if (flag) {
    if (value === undefined) throw missingValue(name);
    parsed.texts.set(name, [...(parsed.texts.get(name) ?? []), value]);
  } else if (negated?.isSwitch && name.startsWith("no-") && value === undefined) {
    parsed.switches.set(negated.name, false);
  } else throw unknownFlag(rawName, known, usage);
}

function missingValue(name: string, next?: string): UsageError {
  return new UsageError(
    `--${name} needs a value.`,
    next && `If ${next} is meant as the value: --${name}=${next}`,
  );
}

function unknownFlag(rawName: string, known: ReadonlyMap<string, Flag>, usage: string): UsageError {
  const close = nearest(kebab(rawName.replace(/^--?/, "")), [...known.keys()]);
  const hint = close ? `Did you mean --${close}?` : `\`${usage} --help\` lists the flags.`;
  return new UsageError(`There is no flag ${rawName} here.`, hint);
}
