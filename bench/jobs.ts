// `npm run bench -- jobs [--quick] [--only singles,drain]`: Rotor beside BullMQ and graphile-worker, on this machine, in the same minutes.

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "../scripts/build.mjs";
import { type Field, openField } from "./jobs/field.ts";
import { lines } from "./jobs/lines.ts";
import { type Memory, measureMemory } from "./jobs/memory.ts";
import { backlogQueue, measureBacklog, measures } from "./jobs/rounds.ts";
import { type Part, readArguments, type Size, warmUp } from "./jobs/size.ts";
import { compare, type Samples, table } from "./jobs/table.ts";

const mostGrowthMb = 20;

const { size, wanted, quick, alone } = readArguments();
await build(["api"]);
const field = await openField({ peers: !alone, redis: wanted.includes("redis") || wanted.includes("start") });
try {
  console.error("warm-up");
  await measureRound({}, field, warmUp, wanted);
  const samples: Samples = {};
  for (let round = 1; round <= size.rounds; round++) {
    console.error(`round ${round} of ${size.rounds}`);
    await measureRound(samples, field, size, wanted);
  }
  const memory = wanted.includes("backlog") ? await measureFull(samples, field, size) : undefined;
  await report(samples, memory);
} finally {
  await field.close();
}

async function measureRound(
  samples: Samples,
  { measured, settle }: Field,
  size: Size,
  wanted: readonly Part[],
): Promise<void> {
  for (const [part, measure] of measures) {
    if (!wanted.includes(part)) continue;
    await measure(samples, size, measured);
    await settle();
  }
}

async function measureFull(samples: Samples, field: Field, size: Size): Promise<Memory> {
  console.error(`a queue with ${size.backlog.toLocaleString("en")} waiting jobs`);
  const full = await field.addRotor("rotor_full");
  await full.createQueue(backlogQueue, true);
  await full.fill(backlogQueue, size.backlog);
  for (let round = 1; round <= size.rounds; round++) {
    console.error(`round ${round} of ${size.rounds}`);
    await field.settle();
    await measureBacklog(samples, size, field.measured.rotor, full);
  }
  const left = size.backlog - size.rounds * size.drained;
  return measureMemory(full, field.receiving, left);
}

async function report(samples: Samples, memory: Memory | undefined): Promise<void> {
  const compared = lines
    .filter(({ ours, theirs }) => samples[ours] && samples[theirs])
    .map((line) => compare(samples, line));
  console.log(table(compared));
  if (memory) {
    const grown = memory.afterMb - memory.beforeMb;
    const flat = grown <= mostGrowthMb ? "flat" : "not flat";
    console.log(
      `memory over ${memory.delivered.toLocaleString("en")} deliveries: ${memory.beforeMb.toFixed(0)} → ${memory.afterMb.toFixed(0)} MB (${flat})`,
    );
  }
  const folder = join(import.meta.dirname, "results");
  await mkdir(folder, { recursive: true });
  const path = join(folder, `jobs-${new Date().toISOString().replaceAll(":", "-")}.json`);
  await writeFile(path, `${JSON.stringify({ quick, size, compared, memory, samples }, null, 2)}\n`);
  console.log(path);
}
