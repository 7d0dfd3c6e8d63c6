import { isRotorError } from "@rotorsh/contract";
import { type Arguments, parseArguments } from "./arguments.ts";
import { catalogue } from "./catalogue.ts";
import { type Command, findCommand, unknownCommand } from "./command.ts";
import { exitCodeOf, exitCodes } from "./exit-codes.ts";
import { type Flag, globalFlags } from "./flags.ts";
import { commandHelp, groupHelp, mainHelp } from "./help.ts";
import { createInvocation } from "./invocation.ts";
import { type Io, widthOf, write } from "./io.ts";
import { perform } from "./perform.ts";
import { printError } from "./print.ts";
import { Interrupted, UsageError } from "./usage-error.ts";
import { version } from "./version.ts";

export async function dispatch(argv: readonly string[], io: Io): Promise<number> {
  try {
    return await follow(argv, io);
  } catch (error) {
    if (error instanceof Interrupted || io.signal?.aborted) return exitCodes.interrupted;
    if (!(error instanceof UsageError) && !isRotorError(error)) throw error;
    await printError(io, error, argv.includes("--json"));
    return error instanceof UsageError ? exitCodes.usage : exitCodeOf(error);
  }
}

async function follow(argv: readonly string[], io: Io): Promise<number> {
  const { commands, flagsOf } = catalogue;
  const { words, command, rest } = findCommand(argv, commands);
  if (!command) return showGroup(io, words, rest, commands);
  const flags = flagsOf(command);
  const usage = ["rotor", ...words].join(" ");
  const args = parseArguments(rest, flags, usage);
  if (args.switches.get("help")) return show(io, commandHelp(command, flags, widthOf(io)));
  if (args.switches.get("version")) return show(io, version);
  await warnOfVisibleKey(io, args, flags);
  const invocation = createInvocation(io, words, args, flags);
  if (command.kind === "operation") return perform(invocation, command.named, flags);
  return (await command.extra.load())(invocation, catalogue);
}

/** No command: the words name a group of them, or nothing at all. */
async function showGroup(
  io: Io,
  words: string[],
  rest: string[],
  commands: readonly Command[],
): Promise<number> {
  // Before the flags, which may all be right for the command that was meant.
  const [first] = rest;
  if (first !== undefined && !first.startsWith("-")) throw unknownCommand(words, first, commands);
  const { positionals, switches } = parseArguments(rest, globalFlags, ["rotor", ...words].join(" "));
  if (switches.get("version")) return show(io, version);
  const [unknown] = positionals;
  if (unknown !== undefined) throw unknownCommand(words, unknown, commands);
  return show(
    io,
    words.length > 0 ? groupHelp(words, commands, widthOf(io)) : mainHelp(commands, widthOf(io)),
  );
}

async function show(io: Io, text: string): Promise<number> {
  await write(io.stdout, `${text}\n`);
  return exitCodes.ok;
}

/** Other users of the machine can see the arguments of a running program. */
async function warnOfVisibleKey(io: Io, { texts }: Arguments, flags: readonly Flag[]): Promise<void> {
  const isGlobal = flags.some(({ name, field }) => name === "api-key" && field === undefined);
  if (!isGlobal || !texts.has("api-key") || !io.isTTY.stderr) return;
  await write(io.stderr, "! A key on the command line stays in the shell's history; prefer ROTOR_API_KEY.\n");
}
