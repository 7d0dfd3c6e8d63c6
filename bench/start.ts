// `npm run bench -- start`: from starting the server to its first 200 from /readyz, in a folder that has no database
// yet and in one that has. Dependencies are installed and everything is built.

import { rm } from "node:fs/promises";
import { parseArgs } from "node:util";
import { build } from "../scripts/build.mjs";
import { elapsedMs, nowNs } from "./harness/clock.ts";
import { makeFolder } from "./harness/place.ts";
import { startServer } from "./harness/server.ts";
import { median } from "./jobs/table.ts";

const mostFirstMs = 8000;
const mostWarmMs = 3000;

const { values } = parseArgs({ options: { rounds: { type: "string", default: "3" } } });
await build(["api"]);
const first: number[] = [];
const warm: number[] = [];
for (let round = 0; round < Number(values.rounds); round++) {
  const folder = await makeFolder();
  first.push(await timeStart(folder));
  warm.push(await timeStart(folder));
  await rm(folder, { recursive: true, force: true });
}
report("first start", first, mostFirstMs);
report("start again", warm, mostWarmMs);

async function timeStart(folder: string): Promise<number> {
  const began = nowNs();
  const server = await startServer({ folder });
  const ms = elapsedMs(began);
  await server.stop();
  return ms;
}

function report(what: string, times: readonly number[], most: number): void {
  const typical = median(times);
  const spread = `${Math.min(...times).toFixed(0)}–${Math.max(...times).toFixed(0)}`;
  const reached = typical < most ? "yes" : "no";
  console.log(`${what}: ${typical.toFixed(0)} ms (${spread}); must be below ${most}: ${reached}`);
  if (typical >= most) process.exitCode = 1;
}
