// A README is what somebody follows: its commands are there, and it says what the project is and how to make it one's own.

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { wrongCommands } from "../cli/testing/named-commands.ts";

const entries = await readdir(import.meta.dirname, { withFileTypes: true });
const names = entries.filter((entry) => entry.isDirectory() && entry.name !== "node_modules");
const texts = await Promise.all(
  names.map(async ({ name }) => ({
    name,
    text: await readFile(join(import.meta.dirname, name, "README.md"), "utf8"),
    example: await readFile(join(import.meta.dirname, name, ".env.example"), "utf8"),
    config: await readFile(join(import.meta.dirname, name, "src/config.ts"), "utf8"),
  })),
);

test.each(texts)("$name: the commands of its README exist", async ({ text }) => {
  expect(await wrongCommands(text)).toEqual([]);
});

test.each(texts)("$name: its README says how to run it and what to change", async ({ name, text }) => {
  expect(text).toMatch(new RegExp(`^# ${name}\n\n[A-Z].{30,}`));
  for (const heading of ["## Run it", "## Customise it"]) expect(text).toContain(heading);
  const files = [...text.matchAll(/`(src\/[^`]+)`/g)].map(([, path]) => path as string);
  const found = await Promise.all(
    files.map((path) => readFile(join(import.meta.dirname, name, path), "utf8")),
  );
  expect(found.length).toBeGreaterThan(0);
});

test.each(texts)("$name: .env.example has every variable that it reads", ({ example, config }) => {
  const read = [...config.matchAll(/process\.env\.(\w+)/g)].map(([, variable]) => variable as string);
  expect(read.filter((variable) => !example.includes(`${variable}=`))).toEqual([]);
});
