// `npm run bench -- http [--seconds 60]`: reads and writes of the control plane, as many at once as a busy team makes.
// Ends with 1 when an answer was a 5xx, or the server has grown.

import { join } from "node:path";
import { parseArgs } from "node:util";
import autocannon from "autocannon";
import { build } from "../scripts/build.mjs";
import { openPlace } from "./harness/place.ts";
import { type Server, startServer } from "./harness/server.ts";
import { controlPlaneMix, queueNames } from "./http/mix.ts";
import { median } from "./jobs/table.ts";

const mostGrowthMb = 20;
const connections = 16;
const warmUpSeconds = 10;
const sampleMs = 500;

const { values } = parseArgs({ options: { seconds: { type: "string", default: "60" } } });
await build(["api"]);
const place = await openPlace();
try {
  const databaseUrl = await place.createDatabase("http");
  const server = await startServer({ folder: join(place.folder, "http"), databaseUrl });
  try {
    for (const name of queueNames) await server.request("POST", "/v1/queues", { name });
    await load(server, warmUpSeconds);
    report(await measure(server, Number(values.seconds)));
  } finally {
    await server.stop();
  }
} finally {
  await place.close();
}

function load(server: Server, seconds: number) {
  const requests = controlPlaneMix(server.key);
  return autocannon({ url: server.url, connections, duration: seconds, requests });
}

async function measure(server: Server, seconds: number) {
  const memory: number[] = [];
  const timer = setInterval(() => void server.rssMb().then((mb) => memory.push(mb)), sampleMs);
  const result = await load(server, seconds);
  clearInterval(timer);
  const quarter = Math.ceil(memory.length / 4);
  return { result, beforeMb: median(memory.slice(0, quarter)), afterMb: median(memory.slice(-quarter)) };
}

function report({ result, beforeMb, afterMb }: Awaited<ReturnType<typeof measure>>): void {
  const { requests, latency, errors, timeouts } = result;
  const flat = afterMb - beforeMb <= mostGrowthMb;
  console.log(
    `${Math.round(requests.average)} requests/s over ${connections} connections, ${requests.total} in all`,
  );
  console.log(`latency: p50 ${latency.p50} ms, p99 ${latency.p99} ms, slowest ${latency.max} ms`);
  console.log(
    `answers: ${result["2xx"]} 2xx, ${result["4xx"]} 4xx, ${result["5xx"]} 5xx; ${errors} errors, ${timeouts} timeouts`,
  );
  console.log(`memory: ${beforeMb.toFixed(0)} → ${afterMb.toFixed(0)} MB (${flat ? "flat" : "not flat"})`);
  if (result["5xx"] + result["4xx"] + errors > 0 || !flat) process.exitCode = 1;
}
