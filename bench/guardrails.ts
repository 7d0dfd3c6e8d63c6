// `npm run bench -- guardrails [--entries 1000000] [--rounds 7]`: what the stages without a model cost a job of 1 KB, on
// its way in and right before it is sent, with a do-not-contact list of a million. The same jobs go through a workspace
// without guardrails and one with, in turn; the difference is the cost. Ends with 1 when both together are above 0.2 ms.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { build } from "../scripts/build.mjs";
import { elapsedMs, nowNs } from "./harness/clock.ts";
import { payload } from "./harness/payload.ts";
import { openPlace } from "./harness/place.ts";
import { type Server, startServer } from "./harness/server.ts";
import { median } from "./jobs/table.ts";

const mostMs = 0.2;
const batches = 20;
const jobsPerBatch = 250;
const jobs = batches * jobsPerBatch;
const jobsPerClaim = 100;

type Ask = Server["request"];
type Claimed = { jobs: { id: string }[]; lease: string };
type Cost = { in: number; out: number };

const { values } = parseArgs({
  options: { entries: { type: "string", default: "1000000" }, rounds: { type: "string", default: "7" } },
});
await build(["api"]);
const place = await openPlace();
try {
  const databaseUrl = await place.createDatabase("guardrails");
  const folder = join(place.folder, "guardrails");
  const server = await startServer({ folder, databaseUrl });
  try {
    await measure(await openWorkspace(server, folder), await openGuarded(server));
  } finally {
    await server.stop();
  }
} finally {
  await place.close();
}

/** Another workspace of the same server, where nothing is checked. */
async function openWorkspace({ url }: Server, folder: string): Promise<Ask> {
  const { adminToken } = JSON.parse(await readFile(join(folder, "dev.json"), "utf8")) as {
    adminToken: string;
  };
  const body = { name: "unguarded", plan: "unlimited", owner_email: "owner@example.com" };
  const { key } = await askWith(url, adminToken)<{ key: string }>("POST", "/admin/workspaces", body);
  return askWith(url, key);
}

function askWith(url: string, token: string): Ask {
  return async <T>(method: string, path: string, body?: object) => {
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const response = await fetch(url + path, { method, headers, body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status}`);
    return (await response.json()) as T;
  };
}

async function openGuarded({ request }: Server): Promise<Ask> {
  const dncEmails = Array.from(
    { length: Number(values.entries) },
    (_, index) => `person${index}@customer${index % 5000}.example`,
  );
  const began = nowNs();
  await request("PATCH", "/v1/guardrails", {
    dncEmails,
    competitorDomains: Array.from({ length: 1000 }, (_, index) => `rival${index}.example`),
    piiRedactionEnabled: true,
  });
  console.log(`a list of ${dncEmails.length} was stored in ${(elapsedMs(began) / 1000).toFixed(1)} s`);
  return request;
}

async function measure(off: Ask, on: Ask): Promise<void> {
  await round(off, "warm-up");
  await round(on, "warm-up");
  await place.settle();
  const costs: Cost[] = [];
  for (let number = 0; number < Number(values.rounds); number++) {
    const without = await round(off, `round-${number}`);
    const checked = await round(on, `round-${number}`);
    costs.push({ in: checked.in - without.in, out: checked.out - without.out });
  }
  const total = median(costs.map((cost) => cost.in + cost.out));
  report(
    "in",
    costs.map((cost) => cost.in),
  );
  report(
    "out",
    costs.map((cost) => cost.out),
  );
  console.log(
    `together: ${total.toFixed(3)} ms; must be at most ${mostMs}: ${total <= mostMs ? "yes" : "no"}`,
  );
  if (total > mostMs) process.exitCode = 1;
}

/** Milliseconds per job: to take it in, and to claim it. */
async function round(ask: Ask, name: string): Promise<Cost> {
  await ask("POST", "/v1/queues", { name, concurrency: 1000 });
  const body = { jobs: Array.from({ length: jobsPerBatch }, () => ({ payload: payload() })) };
  const began = nowNs();
  for (let batch = 0; batch < batches; batch++) await ask("POST", `/v1/queues/${name}/jobs/batch`, body);
  const takenIn = elapsedMs(began) / jobs;
  let claimMs = 0;
  for (let left = jobs; left > 0; ) {
    const start = nowNs();
    const claim = `/v1/queues/${name}/jobs/claim`;
    const claimed = await ask<Claimed>("POST", claim, { want: jobsPerClaim });
    claimMs += elapsedMs(start);
    const ends = claimed.jobs.map(({ id }) => ({ id, lease: claimed.lease, outcome: "completed" }));
    if (ends.length === 0) throw new Error("nothing was claimed");
    await ask("POST", `/v1/queues/${name}/jobs/end`, { ends });
    left -= ends.length;
  }
  return { in: takenIn, out: claimMs / jobs };
}

function report(way: string, costs: readonly number[]): void {
  const spread = `${Math.min(...costs).toFixed(3)} to ${Math.max(...costs).toFixed(3)}`;
  console.log(`${way}: ${median(costs).toFixed(3)} ms a job (${spread})`);
}
