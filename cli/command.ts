// Commands, and how one is found among the words of a command line.

import { type NamedOperation, nearest } from "@rotorsh/contract";
import { type Flag, globalFlags } from "./flags.ts";
import type { Invocation } from "./invocation.ts";
import { kebab } from "./text.ts";
import { UsageError } from "./usage-error.ts";

export type Extra = {
  words: readonly string[];
  summary: string;
  /** What follows the command's words. */
  usage: string;
  flags: Flag[];
  examples: readonly string[];
  /** Loaded when it is used, so that no command pays for another. */
  load: () => Promise<(invocation: Invocation, catalogue: Catalogue) => Promise<number>>;
};

export type Command =
  | {
      kind: "operation";
      words: readonly string[];
      summary: string;
      named: NamedOperation;
      /** Another name of a command that help lists already. */
      isAlias: boolean;
    }
  | { kind: "extra"; words: readonly string[]; summary: string; extra: Extra };

/** All commands, for those that tell of others. */
export type Catalogue = { commands: readonly Command[]; flagsOf: (command: Command) => Flag[] };

export type Found = {
  /** The words that were understood. */
  words: string[];
  /** Undefined when they name a group of commands, or nothing. */
  command: Command | undefined;
  rest: string[];
};

/** Takes the words of a command out of the arguments; global flags may stand before and between them. */
export function findCommand(argv: readonly string[], commands: readonly Command[]): Found {
  const words: string[] = [];
  const rest: string[] = [];
  let index = 0;
  for (; index < argv.length; index++) {
    const text = argv[index] as string;
    if (text === "--") break;
    if (text.startsWith("-") && text !== "-") {
      rest.push(text);
      if (takesNext(text) && index + 1 < argv.length) rest.push(argv[++index] as string);
      continue;
    }
    const longer = [...words, resolve(text, words, commands)];
    if (!commands.some((command) => startsWith(command, longer))) break;
    words.splice(0, words.length, ...longer);
  }
  const command = commands.find((candidate) => candidate.words.join(" ") === words.join(" "));
  return { words, command, rest: [...rest, ...argv.slice(index)] };
}

function takesNext(text: string): boolean {
  if (text.includes("=")) return false;
  const name = kebab(text.replace(/^--?/, ""));
  return globalFlags.some((flag) => flag.name === name && !flag.isSwitch);
}

/** The singular of a noun means the noun, and a field's spelling means its command. */
function resolve(text: string, words: readonly string[], commands: readonly Command[]): string {
  const choices = nextWords(words, commands);
  const spelt = kebab(text);
  if (choices.includes(spelt) || words.length > 0) return spelt;
  return choices.find((word) => singular(word) === spelt) ?? text;
}

export function singular(word: string): string {
  if (/(ss|us|is)$/.test(word)) return word;
  return word.endsWith("ies") ? word.replace(/ies$/, "y") : word.replace(/s$/, "");
}

export function startsWith({ words }: Command, beginning: readonly string[]): boolean {
  return beginning.every((word, index) => words[index] === word);
}

export function nextWords(words: readonly string[], commands: readonly Command[]): string[] {
  const next = commands
    .filter((command) => startsWith(command, words))
    .map((command) => command.words[words.length])
    .filter((word) => word !== undefined);
  return [...new Set(next)];
}

export function unknownCommand(words: string[], text: string, commands: readonly Command[]): UsageError {
  const close = meantBy(text, words, commands) ?? nearest(text, nextWords(words, commands));
  const before = ["rotor", ...words].join(" ");
  const hint = close ? `Did you mean \`${before} ${close}\`?` : `\`${before} --help\` lists the commands.`;
  return new UsageError(`There is no command \`${before} ${text}\`.`, hint);
}

/** Another word for it: what a command says of itself begins with the word. */
function meantBy(text: string, words: readonly string[], commands: readonly Command[]): string | undefined {
  if (words.length === 0) return undefined;
  const verb = `${text.toLowerCase()} `;
  const meant = commands.find(
    (command) => startsWith(command, words) && command.summary.toLowerCase().startsWith(verb),
  );
  return meant?.words[words.length];
}
