// Help for people, made from the contract: at most a screen, with two examples. `columns` is the width of the
// terminal, if it goes to one.

import type { Operation } from "@rotorsh/contract";
import { type Command, nextWords, startsWith } from "./command.ts";
import { type Flag, globalFlags } from "./flags.ts";
import { usageOf } from "./read-input.ts";
import { cut, pad, width } from "./text.ts";

export function mainHelp(commands: readonly Command[], columns?: number): string {
  const rows = nextWords([], commands).map((word) => {
    const inside = nextWords([word], commands);
    const own = commands.find(({ words }) => words.join(" ") === word);
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
  const inside = commands.filter((command) => startsWith(command, words));
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
    ...(command.kind === "extra"
      ? command.extra.examples
      : examplesOf(command.words, command.named.operation, own)
    ).map((example) => `  ${example}`),
    "",
    `Also: ${alsoOf(operation)}`,
  ].join("\n");
}

function alsoOf(operation: Operation | undefined): string {
  const force = operation?.impact === "destroy" ? "--force " : "";
  const key = operation && operation.impact !== "read" ? "--idempotency-key " : "";
  return `${force}${key}--json --quiet --api-key --url --workspace`;
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
  if (type.kinds.has("array")) return "a,b";
  if (type.kinds.has("object")) return "json";
  return type.kinds.has("number") && !type.kinds.has("string") ? "n" : "text";
}

function describe({ describe, required }: Flag): string {
  return required ? `Required. ${describe}` : describe;
}

/** The shortest call, and one with a flag more. */
function examplesOf(words: readonly string[], operation: Operation, own: readonly Flag[]): string[] {
  const positionals = operation.positionals ?? [];
  const sample = (name: string) => sampleOf(operation, name);
  const required = own.filter((flag) => flag.required);
  const shortest = [
    "rotor",
    ...words,
    ...positionals.map(sample),
    ...required.map((flag) => `--${flag.name} ${sample(flag.field as string)}`),
  ].join(" ");
  const more =
    own.find((flag) => !flag.required && flag.example !== undefined) ?? own.find((flag) => flag.isSwitch);
  const extra = more?.isSwitch ? `--${more.name}` : more && `--${more.name} ${shellQuote(more.example)}`;
  return [shortest, `${shortest} ${extra ?? "--json"}`];
}

function sampleOf({ input }: Operation, name: string): string {
  const { examples } = (input.shape[name]?.meta() ?? {}) as { examples?: unknown[] };
  return examples?.[0] === undefined ? `<${name}>` : shellQuote(examples[0]);
}

function shellQuote(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
