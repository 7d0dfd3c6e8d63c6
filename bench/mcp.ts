// `npm run bench -- mcp [--seconds 8]`: calls of queue_stats over MCP beside calls of a tool that does nothing, in turns.
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
const rounds = 3;
const connections = 16;
const crowd = 500;

const { values } = parseArgs({ options: { seconds: { type: "string", default: "8" } } });
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

const load = (url: string, request: Request, duration: number, at = connections) =>
  autocannon({ url, connections: at, duration, requests: [request] });

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
  const rate = (results: Result[]) => median(results.map(({ requests }) => requests.average));
  const p50 = (results: Result[]) => median(results.map(({ latency }) => latency.p50));
  const line = (name: string, results: Result[]) =>
    console.log(`${name}: ${Math.round(rate(results))} calls/s, p50 ${p50(results)} ms`);
  line("bare SDK, echo", bare);
  line("rotor, queue_stats", ours);
  const slower = rate(bare) / rate(ours);
  const later = p50(ours) / Math.max(1, p50(bare));
  console.log(`ratio: throughput 1 : ${slower.toFixed(2)}, p50 ${later.toFixed(2)} (at most ${mostRatio})`);
  const failures = [...ours, crowded].map(
    (result) => result["4xx"] + result["5xx"] + result.errors + result.timeouts,
  );
  const failed = failures.reduce((sum, count) => sum + count, 0);
  console.log(
    `${crowd} at once: ${crowded["2xx"]} answered, p99 ${crowded.latency.p99} ms; failed in all runs: ${failed}`,
  );
  if (slower > mostRatio || later > mostRatio || failed > 0) process.exitCode = 1;
}
