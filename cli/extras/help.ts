import { type Catalogue, findCommand, unknownCommand } from "../command.ts";
import { exitCodeMeanings, exitCodes } from "../exit-codes.ts";
import { commandHelp, groupHelp, mainHelp } from "../help.ts";
import type { Invocation } from "../invocation.ts";
import { widthOf, write } from "../io.ts";

export async function help({ io, args }: Invocation, catalogue: Catalogue): Promise<number> {
  await write(io.stdout, `${textFor(args.positionals, catalogue, widthOf(io))}\n`);
  return exitCodes.ok;
}

function textFor(topic: string[], { commands, flagsOf }: Catalogue, columns?: number): string {
  if (topic.join(" ") === "exit-codes") return exitCodeHelp();
  const { words, command, rest } = findCommand(topic, commands);
  const [unknown] = rest;
  if (unknown !== undefined) throw unknownCommand(words, unknown, commands);
  if (command) return commandHelp(command, flagsOf(command), columns);
  return words.length > 0 ? groupHelp(words, commands, columns) : mainHelp(commands, columns);
}

function exitCodeHelp(): string {
  const names = Object.keys(exitCodes) as (keyof typeof exitCodes)[];
  return names.map((name) => `${String(exitCodes[name]).padStart(3)}  ${exitCodeMeanings[name]}`).join("\n");
}
