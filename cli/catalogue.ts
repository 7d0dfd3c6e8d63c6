// Every command: those of the contract, and the few that are written by hand.

import {
  contract,
  listOperations,
  type NamedOperation,
  type OperationTree,
  separated,
} from "@rotorsh/contract";
import type { Catalogue, Command } from "./command.ts";
import { extras } from "./extras.ts";
import { type Flag, fieldFlags, globalFlags, operationFlags, withoutClashes } from "./flags.ts";

export const catalogue: Catalogue = { commands: listCommands(), flagsOf };

function listCommands(): Command[] {
  const own: Command[] = extras.map((extra) => ({
    kind: "extra",
    words: extra.words,
    summary: extra.summary,
    extra,
  }));
  const taken = new Set(own.map(({ words }) => words.join(" ")));
  const derived = listOperations(contract as OperationTree).flatMap(toCommands);
  return [...derived.filter(({ words }) => !taken.has(words.join(" "))), ...own];
}

function toCommands(named: NamedOperation): Command[] {
  const { noun, verb, operation } = named;
  const wordsOf = (name: string) => [separated(noun, "-"), separated(name, "-")];
  const toCommand = (words: string[], isAlias: boolean): Command => ({
    kind: "operation",
    words,
    summary: operation.summary,
    named,
    isAlias,
  });
  return [
    toCommand(operation.cli?.split(" ") ?? wordsOf(verb), false),
    ...(operation.aliases ?? []).map((alias) => toCommand(wordsOf(alias), true)),
  ];
}

function flagsOf(command: Command): Flag[] {
  if (command.kind === "extra") return withoutClashes([...command.extra.flags, ...globalFlags]);
  const { operation } = command.named;
  return withoutClashes([...fieldFlags(operation), ...operationFlags(operation), ...globalFlags]);
}
