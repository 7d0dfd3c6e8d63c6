// mcp/prompts.generated.ts: the prompts of prompts/, as the server offers them.

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { root } from "../paths.mjs";

export async function generate() {
  const folder = join(root, "prompts");
  const files = (await readdir(folder)).filter((name) => name.endsWith(".md") && name !== "README.md").sort();
  const prompts = await Promise.all(
    files.map(async (file) => read(file.replace(/\.md$/, ""), await readFile(join(folder, file), "utf8"))),
  );
  const text = JSON.stringify(prompts, null, 2);
  return {
    "mcp/prompts.generated.ts": `${introduction}export const promptTexts: readonly PromptText[] = ${text};\n`,
  };
}

function read(name, text) {
  const [, head, body] = /^---\n([\s\S]*?)\n---\n+([\s\S]*)$/.exec(text) ?? [];
  if (!head) throw new Error(`prompts/${name}.md does not begin with a head between two lines of ---`);
  const lines = head.split("\n").map((line) => /^(\w+): (.*)$/.exec(line).slice(1));
  const one = (word) => lines.find(([key]) => key === word)[1];
  const args = lines.filter(([key]) => key === "argument").map(([, value]) => readArgument(value));
  return {
    name,
    title: one("title"),
    description: one("description"),
    arguments: args,
    text: body.trimEnd(),
  };
}

function readArgument(line) {
  const parts = line.split(" | ");
  const option = (word) => parts.find((part) => part.startsWith(`${word}=`))?.slice(word.length + 1);
  return {
    name: parts[0],
    description: parts.at(-1),
    completes: option("completes"),
    otherwise: option("else"),
  };
}

const introduction = `// Made from prompts/ by \`npm run generate\`; do not edit.

export type PromptText = {
  name: string;
  title: string;
  description: string;
  arguments: { name: string; description: string; completes?: "queue" | "run" | "workflow"; otherwise?: string }[];
  text: string;
};

`;
