// A command of the contract: read its input, ask where something would be destroyed, call, print.

import { type Json, type NamedOperation, type Operation, RotorError, routeOf } from "@rotorsh/contract";
import { toRequest } from "@rotorsh/sdk";
import { exitCodes } from "./exit-codes.ts";
import type { Flag } from "./flags.ts";
import { callFor, type Invocation, sendFor } from "./invocation.ts";
import { write } from "./io.ts";
import { printOutput, say } from "./print.ts";
import { confirm } from "./prompt.ts";
import { readInput } from "./read-input.ts";
import { plain } from "./text.ts";
import { UsageError } from "./usage-error.ts";
import { rowsOf } from "./views.ts";

export async function perform(
  invocation: Invocation,
  { operation }: NamedOperation,
  flags: readonly Flag[],
): Promise<number> {
  const format = formatOf(invocation, operation);
  const input = await readInput(invocation, operation, flags);
  if (!(await isConfirmed(invocation, operation, input))) {
    await say(invocation, "Cancelled; nothing was changed.");
    return exitCodes.failure;
  }
  if (format === "csv") return printCsv(invocation, operation, input);
  const call = callFor(invocation, operation);
  const ask = (asked: Json) => call(operation, asked);
  await printOutput(invocation, invocation.isOn("all") ? await everyPage(ask, input) : await ask(input));
  return exitCodes.ok;
}

function formatOf({ option }: Invocation, { csv }: Operation): string | undefined {
  const format = csv ? option("format") : undefined;
  if (format === undefined || ["table", "json", "csv"].includes(format)) return format;
  throw new UsageError("--format must be one of table, json, csv.");
}

async function isConfirmed(
  { io, args, words }: Invocation,
  { impact, summary, positionals = [] }: Operation,
  input: Json,
): Promise<boolean> {
  if (impact !== "destroy" || input.dry_run === true || args.switches.get("force")) return true;
  if (!io.isTTY.stdin || !io.isTTY.stderr) {
    throw new RotorError("CONFIRMATION_REQUIRED", {}, { hint: "Pass --force to do it without being asked." });
  }
  const what = ["rotor", ...words, ...positionals.map((name) => String(input[name] ?? ""))].join(" ");
  return confirm(io, `${plain(what)}: ${summary} Go on?`);
}

/** All pages as one answer of the same shape. */
async function everyPage(ask: (input: Json) => Promise<Json>, input: Json): Promise<Json> {
  const first = await ask(input);
  const rows = rowsOf(first);
  let { nextCursor } = first;
  while (rows && typeof nextCursor === "string") {
    const page = await ask({ ...input, cursor: nextCursor });
    rows.push(...(rowsOf(page) ?? []));
    // The same cursor again would never end.
    nextCursor = page.nextCursor === nextCursor ? null : page.nextCursor;
  }
  return { ...first, nextCursor };
}

/** As it comes, so that an export of any size needs little memory. */
async function printCsv(invocation: Invocation, operation: Operation, input: Json): Promise<number> {
  const { io } = invocation;
  const request = toRequest(operation, { ...input, format: "csv" });
  const send = sendFor(invocation, operation.needs === "operate");
  const body = await send(request, async (response) => response.body, { signal: io.signal });
  const decoder = new TextDecoder();
  const { path } = routeOf(operation);
  if (!body) throw new Error(`${path} answered without a body`);
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    if (io.stdout.destroyed) break;
    await write(io.stdout, decoder.decode(chunk, { stream: true }));
  }
  await write(io.stdout, decoder.decode());
  return exitCodes.ok;
}
