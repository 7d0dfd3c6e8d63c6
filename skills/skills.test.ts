// A skill that names a tool or a command which does not exist fails silently in the agent that follows it.

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { contract, listOperations, type OperationTree } from "@rotorsh/contract";
import { expect, test } from "vitest";
import { rotor } from "../cli/testing/terminal.ts";

const folder = import.meta.dirname;
const entries = await readdir(folder, { withFileTypes: true });
const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
const texts = await Promise.all(
  names.map(async (name) => ({ name, text: await readFile(join(folder, name, "SKILL.md"), "utf8") })),
);

const operations = listOperations(contract as OperationTree);
const tools = new Set(operations.flatMap(({ operation }) => operation.tools.hosted?.name ?? []));
const verbs = new Set([...tools].map((tool) => tool.split("_")[0]));
/** Fields and other words that look like a tool's name. */
const fields = new Set(operations.flatMap(({ operation }) => Object.keys(operation.input.shape)));

test.each(texts)("$name says what it is for, within a page", ({ name, text }) => {
  expect(text).toMatch(new RegExp(`^---\nname: ${name}\ndescription: .{60,400}\n`));
  expect(text.split(/\s+/).length).toBeLessThan(400);
});

test.each(texts)("$name names tools that exist", ({ text }) => {
  const named = (text.match(/`([a-z]+(?:_[a-z]+)+)`/g) ?? []).map((word) => word.slice(1, -1));
  const wrong = named.filter(
    (word) => verbs.has(word.split("_")[0]) && !tools.has(word) && !fields.has(word),
  );
  expect(wrong).toEqual([]);
});

test.each(texts)("$name names commands that exist", async ({ text }) => {
  const commands = [...text.matchAll(/`(?:npx )?rotor ([a-z-]+(?: [a-z-]+)?)[^`]*`/g)].map(
    (match) => match[1],
  );
  for (const command of commands) {
    const { exitCode } = await rotor([...(command as string).split(" "), "--help"]);
    expect({ command, exitCode }).toEqual({ command, exitCode: 0 });
  }
});
