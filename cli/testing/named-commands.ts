// Commands that a text tells its reader to run: one that is not there sends them astray.

import { rotor } from "./terminal.ts";

/** The `rotor …` of a Markdown text, in a line of code or a block, that cannot be called so. */
export async function wrongCommands(text: string): Promise<string[]> {
  const lines = [...text.matchAll(/(?:^|`)(?:npx )?(rotor [a-z][^`\n]*)/gm)].map(
    ([, line]) => line as string,
  );
  const judged = await Promise.all(lines.map(async (line) => ((await isRight(line)) ? [] : [line])));
  return judged.flat();
}

const everywhere = ["--json", "--quiet", "--api-key", "--url", "--workspace", "--help", "--version"];

async function isRight(line: string): Promise<boolean> {
  const words = line.split(/\s+/).slice(1);
  const end = words.findIndex((word) => !/^[a-z-]+$/.test(word) || word.startsWith("--"));
  const path = words.slice(0, end < 0 ? 2 : Math.min(end, 2));
  const { exitCode, stdout } = await rotor([...path, "--help"]);
  const flags = line.match(/--[a-z-]+/g) ?? [];
  return exitCode === 0 && flags.every((flag) => everywhere.includes(flag) || stdout.includes(`${flag} `));
}
