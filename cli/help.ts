// Help for people, made from the contract: at most a screen, with two examples. `columns` is the width of the
// terminal, if it goes to one.

import type { Operation } from "@rotorsh/contract";
import { type Command, nextWords, startsWith } from "./command.ts";
import { type Flag, globalFlags } from "./flags.ts";
import { usageOf } from "./read-input.ts";
import { cut, kebab, pad, width } from "./text.ts";

type OperationCommand = Extract<Command, { kind: "operation" }>;

export function mainHelp(commands: readonly Command[], columns?: number): string {
  const listed = commands.filter(isListed);
  const rows = nextWords([], listed).map((word) => {
    const inside = nextWords([word], listed);
    const own = listed.find(({ words }) => words.join(" ") === word);
    return [word, own ? own.summary : inside.join(", ")] as const;
  });
  return [
    "Usage: rotor <command> [flags]",
    "",
    ...aligned(rows, columns),
    "",
    "Flags that every command takes: --json --quiet --api-key --url --workspace --help",
    "`rotor <command> --help` shows the rest; `rotor help exit-codes` the exit codes.",
  ].join("\n");
}

export function groupHelp(words: readonly string[], commands: readonly Command[], columns?: number): string {
  const inside = commands.filter((command) => isListed(command) && startsWith(command, words));
  return [
    `Usage: rotor ${words.join(" ")} <command> [flags]`,
    "",
    ...aligned(
      inside.map((command) => [command.words.slice(words.length).join(" "), command.summary]),
      columns,
    ),
    "",
    `\`rotor ${words.join(" ")} <command> --help\` shows the flags.`,
  ].join("\n");
}

function isListed(command: Command): boolean {
  return command.kind === "extra" || !command.isAlias;
}

export function commandHelp(command: Command, flags: readonly Flag[], columns?: number): string {
  const operation = command.kind === "operation" ? command.named.operation : undefined;
  const positionals = operation?.positionals ?? [];
  const isGlobal = new Set(globalFlags);
  const own = flags.filter(
    (flag) => !isGlobal.has(flag) && !(flag.field && positionals.includes(flag.field)),
  );
  const usage = command.kind === "extra" ? `rotor ${command.words.join(" ")} ${command.extra.usage}` : "";
  const shown = (usage || usageOf(command.words, positionals)).trim();
  return [
    `Usage: ${shown}${own.length > 0 ? " [flags]" : ""}`,
    command.summary,
    ...(own.length > 0
      ? [
          "",
          ...aligned(
            own.map((flag) => [signature(flag), describe(flag)]),
            columns,
          ),
        ]
      : []),
    "",
    "Examples:",
    ...(command.kind === "extra" ? command.extra.examples : examplesOf(command, flags)).map(
      (example) => `  ${example}`,
    ),
    "",
    `Also: ${alsoOf(operation, flags)}`,
  ].join("\n");
}

/** The flags of every command that are of use here, unless a field has the name. */
function alsoOf(operation: Operation | undefined, flags: readonly Flag[]): string {
  const isOwn = new Set(flags.filter(({ field }) => field !== undefined).map(({ name }) => name));
  const useful = [
    ...(operation?.impact === "destroy" ? ["force"] : []),
    ...(operation && operation.impact !== "read" ? ["idempotency-key"] : []),
    ...["json", "quiet", "api-key", "url", "workspace"],
  ];
  return useful
    .filter((name) => !isOwn.has(name))
    .map((name) => `--${name}`)
    .join(" ");
}

function aligned(rows: readonly (readonly [string, string])[], columns?: number): string[] {
  const longest = Math.max(...rows.map(([left]) => width(left)));
  return rows.map(([left, right]) =>
    cut(`  ${pad(left, longest)}  ${right}`.trimEnd(), columns ?? Number.POSITIVE_INFINITY),
  );
}

function signature(flag: Flag): string {
  const { name, isSwitch } = flag;
  if (isSwitch) return `--${name}`;
  return `--${name} <${typeName(flag)}>`;
}

function typeName({ name, type }: Flag): string {
  if (!type) return name === "input" || name === "data" ? "json" : "value";
  if (type.choices.length > 0 && type.choices.length <= 3) return type.choices.join("|");
  if (type.kinds.has("object") || type.items?.kinds.has("object")) return "json";
  if (type.kinds.has("array")) return "a,b";
  return type.kinds.has("number") && !type.kinds.has("string") ? "n" : "text";
}

function describe({ describe, required }: Flag): string {
  return required ? `Required. ${describe}` : describe;
}

/** The shortest call, and one with a flag more. */
function examplesOf({ words, named: { operation } }: OperationCommand, flags: readonly Flag[]): string[] {
  const { positionals = [] } = operation;
  const fields = new Map(flags.filter(({ field }) => field).map((flag) => [flag.field as string, flag]));
  const first = positionals.map((name) => sampleOf(fields.get(name)));
  const others = [...fields.values()].filter(({ field = "" }) => !positionals.includes(field));
  const required = others.filter((flag) => flag.required).map((flag) => `--${flag.name} ${sampleOf(flag)}`);
  const shortest = ["rotor", ...words, ...first, ...required].join(" ");
  const optional = others.filter((flag) => !flag.required);
  const more =
    optional.find(({ example }) => example !== undefined) ?? optional.find(({ isSwitch }) => isSwitch);
  const value = more?.isSwitch ? "" : ` ${sampleOf(more)}`;
  return [shortest, `${shortest} ${more ? `--${more.name}${value}` : "--json"}`];
}

/** The longest JSON that still reads well in an example; longer values come from a file. */
const longestJson = 40;

function sampleOf({ example, field = "", type }: Partial<Flag> = {}): string {
  const isJson = type?.kinds.has("object") || type?.items?.kinds.has("object");
  if (isJson && (example === undefined || JSON.stringify(example).length > longestJson))
    return `@${kebab(field)}.json`;
  if (Array.isArray(example) && !isJson) return shellQuote(example.join(","));
  if (example !== undefined) return shellQuote(example);
  if (type?.choices[0] !== undefined) return shellQuote(type.choices[0]);
  if (/e_?mail/i.test(field)) return "ada@example.com";
  return type?.kinds.has("number") && !type.kinds.has("string") ? "1" : field.toUpperCase();
}

function shellQuote(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
