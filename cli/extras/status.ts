import { setTimeout as delay } from "node:timers/promises";
import { contract, isRotorError, type Json, type Operation } from "@rotorsh/contract";
import { exitCodeOf, exitCodes } from "../exit-codes.ts";
import { callFor, type Invocation } from "../invocation.ts";
import { write } from "../io.ts";
import { printOutput, say } from "../print.ts";
import { plain, toJson } from "../text.ts";
import { UsageError } from "../usage-error.ts";
import { viewOf } from "../views.ts";

const operation = contract.status.get as unknown as Operation;

export async function status(invocation: Invocation): Promise<number> {
  const call = callFor(invocation, operation);
  if (invocation.isOn("watch")) return watch(invocation, () => call(operation, {}));
  await printOutput(invocation, await call(operation, {}));
  return exitCodes.ok;
}

/** Goes on through outages, which are what one watches for; an answer that will not change ends it. */
async function watch(invocation: Invocation, ask: () => Promise<Json>): Promise<number> {
  const { io } = invocation;
  const intervalMs = intervalOf(invocation) * 1000;
  for (let drawn = 0; !io.signal?.aborted; ) {
    try {
      drawn = await show(invocation, await ask(), drawn);
    } catch (error) {
      if (!isRotorError(error) || exitCodeOf(error) !== exitCodes.unreachable) throw error;
      await say(invocation, `✗ ${plain(error.message)}`);
      drawn = 0;
    }
    if (io.stdout.destroyed) return exitCodes.ok;
    await delay(intervalMs, undefined, io.signal && { signal: io.signal });
  }
  return exitCodes.interrupted;
}

function intervalOf({ option }: Invocation): number {
  const interval = Number(option("interval") ?? 5);
  if (interval > 0 && interval <= 86_400) return interval;
  throw new UsageError("--interval must be a number of seconds above 0.");
}

/** On a terminal the answer before is overwritten. Says how many lines were drawn. */
async function show({ io, mode, words }: Invocation, output: Json, drawn: number): Promise<number> {
  if (mode === "quiet") return 0;
  if (mode === "json") {
    await write(io.stdout, `${toJson(output)}\n`);
    return 0;
  }
  const lines = [`At ${new Date().toISOString()}`, ...viewOf(words, output, undefined).lines];
  const upwards = io.isTTY.stdout && drawn > 0 ? `\x1b[${drawn}A\x1b[J` : "";
  await write(io.stdout, `${upwards}${lines.join("\n")}\n${io.isTTY.stdout ? "" : "\n"}`);
  return lines.length;
}
