import { contract, listOperations, type OperationTree } from "@rotorsh/contract";
import { expect, test } from "vitest";
import { catalogue } from "./catalogue.ts";
import { findCommand, singular, unknownCommand } from "./command.ts";

const { commands } = catalogue;

function find(...argv: string[]) {
  const { words, command, rest } = findCommand(argv, commands);
  return [words.join(" "), command?.kind, rest];
}

test.each([
  [
    ["queues", "list"],
    ["queues list", "operation", []],
  ],
  [
    ["queue", "create", "emails"],
    ["queues create", "operation", ["emails"]],
  ],
  [
    ["api-key", "list"],
    ["api-keys list", "operation", []],
  ],
  [
    ["apiKeys", "list"],
    ["api-keys list", "operation", []],
  ],
  [
    ["queues", "set_state", "a", "paused"],
    ["queues set-state", "operation", ["a", "paused"]],
  ],
  [
    ["--json", "queues", "--url", "http://x", "list"],
    ["queues list", "operation", ["--json", "--url", "http://x"]],
  ],
  [
    ["--url=http://x", "whoami"],
    ["whoami", "operation", ["--url=http://x"]],
  ],
  [
    ["status", "--watch"],
    ["status", "extra", ["--watch"]],
  ],
  [["queues"], ["queues", undefined, []]],
  [
    ["queues", "lst"],
    ["queues", undefined, ["lst"]],
  ],
  [
    ["queues", "get", "list"],
    ["queues get", "operation", ["list"]],
  ],
  [
    ["--", "queues"],
    ["", undefined, ["--", "queues"]],
  ],
  [[], ["", undefined, []]],
])("%j", (argv, expected) => {
  expect(find(...argv)).toEqual(expected);
});

test("every operation of the contract has a command, and no two share one", () => {
  const names = commands.map(({ words }) => words.join(" "));
  expect(new Set(names).size).toBe(names.length);
  const own = commands.filter((command) => command.kind === "operation" && !command.isAlias);
  // `status` is written by hand, and stands for its operation.
  expect(own.length).toBe(listOperations(contract as OperationTree).length - 1);
});

test("no command is also the beginning of another", () => {
  const names = commands.map(({ words }) => words.join(" "));
  for (const name of names) expect(names.filter((other) => other.startsWith(`${name} `))).toEqual([]);
});

test.each([
  ["queues", "queue"],
  ["api-keys", "api-key"],
  ["replies", "reply"],
  ["status", "status"],
  ["audit", "audit"],
])("the singular of %s is %s", (plural, one) => {
  expect(singular(plural)).toBe(one);
});

test("a slip of the pen is recognised", () => {
  expect(unknownCommand([], "quees", commands).hint).toBe("Did you mean `rotor queues`?");
  expect(unknownCommand(["queues"], "lst", commands).hint).toBe("Did you mean `rotor queues list`?");
  expect(unknownCommand(["jobs"], "add", commands).hint).toBe("Did you mean `rotor jobs enqueue`?");
  expect(unknownCommand(["queues"], "explode", commands).hint).toContain("--help");
});
