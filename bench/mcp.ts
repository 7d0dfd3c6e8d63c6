// `npm run bench -- mcp [--seconds 6]`: calls of queue_stats over MCP beside calls of a tool that does nothing, in turns.
// Ends with 1 when ours takes more than 1.5 times as long or an answer was an error.

import { join } from "node:path";
import { parseArgs } from "node:util";
import autocannon, { type Request, type Result } from "autocannon";
import { build } from "../scripts/build.mjs";
import { startChild } from "./harness/child.ts";
import { openPlace } from "./harness/place.ts";
import { startServer } from "./harness/server.ts";
import { median } from "./jobs/table.ts";
import type { Echo } from "./mcp/echo.ts";

const mostRatio = 1.5;
const rounds = 5;
const connections = 16;
const crowd = 500;

const { values } = parseArgs({ options: { seconds: { type: "string", default: "6" } } });
const seconds = Number(values.seconds);

const protocol = "2026-07-28";

function toolCall(name: string, key = ""): Request {
  const _meta = {
    "io.modelcontextprotocol/protocolVersion": protocol,
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": { name: "bench", version: "1" },
  };
  const params = { name, arguments: { name: "emails" }, _meta };
  return {
    method: "POST",
    path: "/mcp",
    headers: {
      authorization: `Bearer ${key}`,
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      "mcp-protocol-version": protocol,
      "mcp-method": "tools/call",
      "mcp-name": name,
    },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params }),
  };
}

/** A tool that fails answers 200, too. */
const verifyBody = (body: string) => body.includes('"structuredContent"') && !body.includes('"isError":true');

const load = (url: string, request: Request, duration: number, at = connections) =>
  autocannon({ url, connections: at, duration, requests: [request], verifyBody });

await build(["api"]);
const place = await openPlace();
const echo = startChild<Echo>(new URL("mcp/echo.ts", import.meta.url));
try {
  const databaseUrl = await place.createDatabase("mcp");
  const server = await startServer({ folder: join(place.folder, "mcp"), databaseUrl });
  try {
    await server.request("POST", "/v1/queues", { name: "emails" });
    const bare = { url: await echo.call("start", undefined), request: toolCall("echo") };
    const ours = { url: server.url, request: toolCall("queue_stats", server.key) };
    const results = { bare: [] as Result[], ours: [] as Result[] };
    for (const { url, request } of [bare, ours]) await load(url, request, 3);
    for (let round = 0; round < rounds; round++) {
      results.bare.push(await load(bare.url, bare.request, seconds));
      results.ours.push(await load(ours.url, ours.request, seconds));
    }
    report(results, await load(ours.url, ours.request, seconds, crowd));
  } finally {
    await server.stop();
  }
} finally {
  await echo.stop();
  await place.close();
}

function report({ bare, ours }: Record<"bare" | "ours", Result[]>, crowded: Result): void {
  const rate = ({ requests }: Result) => requests.average;
  const p50 = ({ latency }: Result) => latency.p50;
  const line = (name: string, results: Result[]) =>
    console.log(
      `${name}: ${Math.round(median(results.map(rate)))} calls/s, p50 ${median(results.map(p50))} ms`,
    );
  line("bare SDK, echo", bare);
  line("rotor, queue_stats", ours);
  // Round by round: what the machine does meanwhile is the same for both.
  const perRound = (ratio: (bare: Result, ours: Result) => number) =>
    bare.map((one, round) => ratio(one, ours[round] as Result)).toSorted((a, b) => a - b);
  const slower = perRound((one, other) => rate(one) / rate(other));
  const later = perRound((one, other) => p50(other) / Math.max(1, p50(one)));
  console.log(`ratio: throughput 1 : ${shown(slower)}, p50 ${shown(later)} (at most ${mostRatio})`);
  const failed = [...bare, ...ours, crowded].map(failuresOf).reduce((sum, count) => sum + count, 0);
  console.log(
    `${crowd} at once: ${crowded["2xx"]} answered, p99 ${crowded.latency.p99} ms; failed in all runs: ${failed}`,
  );
  if (median(slower) > mostRatio || median(later) > mostRatio || failed > 0) process.exitCode = 1;
}

function shown(ratios: number[]): string {
  return `${median(ratios).toFixed(2)} (${ratios.at(0)?.toFixed(2)}–${ratios.at(-1)?.toFixed(2)})`;
}

function failuresOf(result: Result): number {
  return result["4xx"] + result["5xx"] + result.errors + result.timeouts + result.mismatches;
}
