// A skill that names a tool or a command which does not exist fails silently in the agent that follows it.

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { contract, listOperations, type OperationTree } from "@rotorsh/contract";
import { expect, test } from "vitest";
import { z } from "zod";
import { wrongCommands } from "../cli/testing/named-commands.ts";

const json = { unrepresentable: "any", io: "input" } as const;

const folder = import.meta.dirname;
const entries = await readdir(folder, { withFileTypes: true });
const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
const texts = await Promise.all(
  names.map(async (name) => ({ name, text: await readFile(join(folder, name, "SKILL.md"), "utf8") })),
);

const operations = listOperations(contract as OperationTree);
const tools = operations.flatMap(({ operation }) => operation.tools.hosted?.name ?? []);
/** Other words in snake_case that a skill may use: fields that go in or come out, and what follows them. */
const fields = operations.flatMap(({ operation }) => {
  const text = JSON.stringify([
    z.toJSONSchema(operation.input, json),
    z.toJSONSchema(operation.output, json),
  ]);
  return text.match(/[a-z]+(?:_[a-z]+)+/g) ?? [];
});
const known = new Set([...tools, ...fields]);

test.each(texts)("$name says what it is for, within a page", ({ name, text }) => {
  expect(text).toMatch(new RegExp(`^---\nname: ${name}\ndescription: .{60,400}\n`));
  expect(text.split(/\s+/).length).toBeLessThan(400);
});

test.each(texts)("$name names tools that exist", ({ text }) => {
  const code = (text.match(/`[^`\n]+`/g) ?? []).join(" ");
  const named = code.match(/(?<![\w/-])[a-z]+(?:_[a-z]+)+(?![\w/-])/g) ?? [];
  expect(named.filter((word) => !known.has(word))).toEqual([]);
});

test.each(texts)("$name names commands that exist", async ({ text }) => {
  expect(await wrongCommands(text)).toEqual([]);
});

test("a tool or a command that does not exist is noticed", async () => {
  expect(known.has("purge_queue")).toBe(false);
  const text =
    "Run `rotor queues purge emails`, or `npx rotor queues drain emails --now`.\nrotor queues list --json\n";
  expect(await wrongCommands(text)).toEqual(["rotor queues purge emails", "rotor queues drain emails --now"]);
});
