// `npm run bench -- workflows [--quick]`: runs of Rotor beside Restate and DBOS, on this machine, in the same minutes.
// Each app is a process of its own.

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { build } from "../scripts/build.mjs";
import { startChild } from "./harness/child.ts";
import { elapsedMs } from "./harness/clock.ts";
import { openPlace } from "./harness/place.ts";
import { startServer } from "./harness/server.ts";
import { add, compare, type Line, quantile, type Samples, table } from "./jobs/table.ts";
import type { Dbos } from "./peers/dbos.ts";
import type { App } from "./workflows/app.ts";
import type { Caller, Target } from "./workflows/caller.ts";
import type { Floor } from "./workflows/floor.ts";
import { startRestate } from "./workflows/restate.ts";

const lines: Line[] = [
  {
    what: "10-step runs/s, Restate as it comes",
    ours: "runs Rotor",
    theirs: "runs Restate",
    must: 1.5,
    goal: 3,
  },
  {
    what: "10-step runs/s, Restate with 4 partitions",
    ours: "runs Rotor",
    theirs: "runs Restate 4",
    must: 1,
  },
  { what: "10-step runs/s, DBOS", ours: "runs Rotor", theirs: "runs DBOS", must: 4 },
  { what: "10-step runs/s, an INSERT per step", ours: "runs Rotor", theirs: "runs INSERT", must: 0 },
  {
    what: "one run alone, p50 ms",
    ours: "alone Rotor",
    theirs: "alone Restate",
    must: 1,
    goal: 0.5,
    atMost: true,
  },
  {
    what: "steps 900–1000 to 1–100, ms",
    ours: "late steps",
    theirs: "early steps",
    must: 1.3,
    goal: 1.1,
    atMost: true,
  },
  {
    what: "event to first line, p50 ms",
    ours: "event Rotor",
    theirs: "POST and commit",
    must: 3,
    goal: 2,
    atMost: true,
  },
  {
    what: "event to first line, to POSTs without a pause",
    ours: "event Rotor",
    theirs: "POSTs and commits",
    must: 0,
  },
];

const { values } = parseArgs({ options: { quick: { type: "boolean", default: false } } });
const size = values.quick
  ? { rounds: 2, seconds: 3, alone: 40, events: 40 }
  : { rounds: 5, seconds: 6, alone: 100, events: 100 };
const lanes = 32;
/** Until the run of the last event has ended. */
const gapMs = 20;

await build(["api"]);
const closers: (() => Promise<void>)[] = [];
try {
  const field = await open();
  const samples: Samples = {};
  console.error("warm-up");
  await measure({}, field, { ...size, seconds: 2, alone: 10, events: 10 });
  for (let round = 1; round <= size.rounds; round++) {
    console.error(`round ${round} of ${size.rounds}`);
    await measure(samples, field, size);
  }
  await report(samples);
} finally {
  for (const close of closers.reverse()) await close();
}

async function open() {
  const opened = <T>(value: T, close: () => Promise<void>): T => {
    closers.push(close);
    return value;
  };
  const place = await openPlace();
  opened(place, () => place.close());
  const server = await startServer({
    folder: join(place.folder, "rotor"),
    databaseUrl: await place.createDatabase("rotor"),
  });
  opened(server, () => server.stop());
  const child = <M extends Record<string, (argument: never) => Promise<unknown>>>(path: string) => {
    const started = startChild<M>(new URL(path, import.meta.url));
    return opened(started, () => started.stop());
  };
  const app = child<App>("./workflows/app.ts");
  await app.call("serve", { url: server.url, key: server.key, signingKey: server.signingKey });
  const dbos = child<Dbos>("./peers/dbos.ts");
  await dbos.call("open", { url: await place.createDatabase("dbos") });
  const floor = child<Floor>("./workflows/floor.ts");
  const floorUrl = await floor.call("open", { url: await place.createDatabase("floor") });
  const restate = await startRestate(join(place.folder, "restate"));
  opened(restate, () => restate.stop());
  const restate4 = await startRestate(join(place.folder, "restate4"), 4);
  opened(restate4, () => restate4.stop());
  const caller = child<Caller>("./workflows/caller.ts");
  return { place, server, app, dbos, floor, floorUrl, restate, restate4, caller };
}

type Field = Awaited<ReturnType<typeof open>>;

async function measure(
  samples: Samples,
  field: Field,
  { seconds, alone, events }: typeof size,
): Promise<void> {
  const { place, server, app, dbos, floor, floorUrl, restate, restate4, caller } = field;
  const load = { lanes, seconds };
  const rotor = (id: string, data: object): Target => ({
    url: server.url,
    key: server.key,
    path: `/v1/functions/${id}/invoke`,
    body: { data, wait_seconds: 50 },
  });
  const ten = rotor("ten", {});
  const ingress = (url: string): Target => ({ url, path: "/bench/ten", body: {} });
  await place.settle();
  add(samples, "runs Rotor", (await caller.call("rate", { target: ten, load })).perSecond);
  add(samples, "runs Restate", (await caller.call("rate", { target: ingress(restate.url), load })).perSecond);
  add(
    samples,
    "runs Restate 4",
    (await caller.call("rate", { target: ingress(restate4.url), load })).perSecond,
  );
  add(samples, "runs DBOS", (await dbos.call("rate", { load })).perSecond);
  add(samples, "runs INSERT", (await floor.call("rate", { load })).perSecond);
  await place.settle();
  const p50 = (times: readonly number[]) => quantile(times, 0.5);
  add(samples, "alone Rotor", p50(await caller.call("alone", { target: ten, count: alone })));
  add(
    samples,
    "alone Restate",
    p50(await caller.call("alone", { target: ingress(restate.url), count: alone })),
  );
  add(samples, "alone DBOS", p50(await dbos.call("alone", { count: alone })));
  await caller.call("alone", { target: rotor("long", { steps: 1000 }), count: 1 });
  add(samples, "early steps", await app.call("perStepMs", { from: 0, to: 99 }));
  add(samples, "late steps", await app.call("perStepMs", { from: 899, to: 999 }));
  const post = { url: floorUrl, path: "/", body: { data: {} } };
  const quiet = await quietDelays(field, post, events);
  add(samples, "event Rotor", p50(quiet.events));
  add(samples, "POST and commit", p50(quiet.posts));
  add(samples, "POSTs and commits", p50(await caller.call("alone", { target: post, count: alone })));
}

/**
 * From the request to the function's first line, in ms, and beside each the POST that it is compared with: one at a
 * time, and both when all is quiet again. A machine that has just slept is slower, for everybody.
 */
async function quietDelays(
  { app, server, caller }: Field,
  post: Target,
  count: number,
): Promise<{ events: number[]; posts: number[] }> {
  const delays: { events: number[]; posts: number[] } = { events: [], posts: [] };
  const { url, key } = server;
  for (let index = 0; index < count; index++) {
    const heard = app.call("nextEvent", undefined as never);
    const body = { name: "bench.happened", data: { index } };
    const began = BigInt(await caller.call("send", { target: { url, key, path: "/v1/events", body } }));
    delays.events.push(elapsedMs(began, BigInt(await heard)));
    await sleep(gapMs);
    delays.posts.push(...(await caller.call("alone", { target: post, count: 1 })));
    await sleep(gapMs);
  }
  return delays;
}

async function report(samples: Samples): Promise<void> {
  const compared = lines.map((line) => compare(samples, line));
  console.log(table(compared));
  const folder = join(import.meta.dirname, "results");
  await mkdir(folder, { recursive: true });
  const path = join(folder, `workflows-${new Date().toISOString().replaceAll(":", "-")}.json`);
  await writeFile(path, `${JSON.stringify({ quick: values.quick, size, compared, samples }, null, 2)}\n`);
  console.log(path);
}
