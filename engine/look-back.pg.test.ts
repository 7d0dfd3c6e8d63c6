// I7: which events count for a wait that is registered after they were published, and what looking for them costs.

import { contract } from "@rotorsh/contract";
import { sql } from "drizzle-orm";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { RegisteredWait } from "./core/drive-end.ts";
import type { Services } from "./handler.ts";
import { newId } from "./ids.ts";
import { openServices } from "./services.ts";
import type { Database } from "./store/database.ts";
import { claimRuns } from "./store/run-claim.ts";
import { finishDrives } from "./store/run-finish.ts";
import { call, startTestEngine, type TestEngine, testOptions } from "./testing/index.ts";

let rotor: TestEngine;
let services: Services;
let names = 0;
/** Of events that no other test knows. */
let x: string;
let y: string;

beforeAll(async () => {
  rotor = await startTestEngine();
  services = await openServices(testOptions(rotor.url));
  await register("looking", "looking");
});

beforeEach(async () => {
  await rotor.sql`update run set due_at = null`;
  names++;
  [x, y] = [`x.${names}`, `y.${names}`];
});

afterAll(async () => {
  await services?.outbound.close();
  await services?.broker.close();
  await services?.databases.close();
  await rotor?.stop();
});

type Claimed = { id: string; token: string };

const register = (id: string, event: string) =>
  call(rotor.engine, rotor.home.admin, contract.functions.register, {
    ...{ id, serve_url: "http://127.0.0.1:50997/", trigger_event: event },
  });

const allowance = () => ({
  workspaceId: rotor.home.id,
  plan: "unlimited" as const,
  quota: null,
  access: null,
});

const publish = (...events: [name: string, data?: unknown][]) =>
  services.workflows.publish(
    events.map(([name, data = {}]) => ({
      ...{ workspaceId: rotor.home.id, id: newId("evt"), name, data, ts: null, provenance: {} },
    })),
    allowance(),
  );

async function claim(id?: string): Promise<Claimed> {
  const [claimed] = await claimRuns(services.databases.engine, 10, 600_000);
  if (id !== undefined) expect(claimed?.id).toBe(id);
  return claimed as Claimed;
}

async function begin(): Promise<Claimed> {
  const run = {
    ...{ id: newId("run"), workspaceId: rotor.home.id, workflowId: "looking", idempotencyKey: null },
    ...{ eventId: null, eventName: null, eventTs: Date.now(), input: "{}", provenance: {} },
  };
  await services.workflows.start([run], allowance());
  return claim(run.id);
}

const waitFor = (key: string, event: string, match?: string): RegisteredWait => ({
  ...{ kind: "event", key, name: key, event, timeoutMs: 3_600_000 },
  ...(match !== undefined && { match }),
});
const retryOf = (key: string, inMs: number): RegisteredWait => ({
  ...{
    kind: "retry",
    key,
    name: key,
    error: { name: "Error", message: "" },
    attempt: 1,
    durationMs: 1,
    inMs,
  },
});

const end = ({ id, token }: Claimed, ...waits: RegisteredWait[]) =>
  services.workflows.finish({
    ...{ run: id, workspaceId: rotor.home.id, token, steps: [], asked: null, isAlone: true },
    next: { kind: "wait", status: "waiting", waits },
  });

/** Drives a run to its next waits. */
const driveTo = async (run: Claimed, ...waits: RegisteredWait[]) => end(await claim(run.id), ...waits);

/** What the run's waits came to so far. */
async function outcomes({ id }: Claimed): Promise<Record<string, unknown>> {
  const rows = await rotor.sql<{ key: string; outcome: string }[]>`
    select key, outcome from step where run_id = ${id} and outcome is not null order by seq`;
  return Object.fromEntries(rows.map(({ key, outcome }) => [key, JSON.parse(outcome).ok]));
}

test("what comes between the wake of a run and its next drive is for the waits of that drive", async () => {
  const run = await begin();
  await end(run, waitFor("first", x));
  await publish([x, 1]);
  await publish([y, 2]);
  await driveTo(run, waitFor("second", y));
  expect(await outcomes(run)).toEqual({ first: 1, second: 2 });
});

test("an event ends one of the waits that come one after the other, and the next one the next", async () => {
  const run = await begin();
  await end(run, waitFor("first", x));
  await publish([x, 1], [x, 2]);
  await publish([x, 3]);
  for (const key of ["second", "third", "fourth"]) await driveTo(run, waitFor(key, x));
  expect(await outcomes(run)).toEqual({ first: 1, second: 2, third: 3 });
  await publish([x, 4]);
  expect(await outcomes(run)).toMatchObject({ fourth: 4 });
});

test("what came after an event that was found looking back is not missed either", async () => {
  const run = await begin();
  await publish([x, 1]);
  await publish([y, 2]);
  await publish([x, 3]);
  await end(run, waitFor("first", x));
  await driveTo(run, waitFor("second", y));
  await driveTo(run, waitFor("third", x));
  expect(await outcomes(run)).toEqual({ first: 1, second: 2, third: 3 });
});

test("an event of before the one that was waited for is not for the next wait", async () => {
  const run = await begin();
  await end(run, waitFor("first", x));
  await publish([y, 1]);
  await publish([x, 2]);
  await driveTo(run, waitFor("second", y));
  expect(await outcomes(run)).toEqual({ first: 2 });
});

test("what comes after a sleep is over counts, however late the run is driven; what came before does not", async () => {
  const run = await begin();
  await end(run, { kind: "sleep", key: "nap", name: "nap", forMs: 60_000 });
  await publish([x, 1]);
  await rotor.moveClock("2 minutes");
  await publish([x, 2]);
  await rotor.moveClock("2 minutes");
  await driveTo(run, waitFor("first", x));
  expect(await outcomes(run)).toMatchObject({ first: 2 });
});

test("a sleep until long ago brings no events of long ago", async () => {
  await publish([x, 1]);
  const run = await begin();
  await end(run, { kind: "sleep", key: "nap", name: "nap", until: 1000 });
  await driveTo(run, waitFor("first", x));
  expect(await outcomes(run)).not.toHaveProperty("first");
});

test("what comes after a wait that ended while the run was driven counts for the drive after", async () => {
  const run = await begin();
  await end(run, waitFor("first", x, "data == 1"), waitFor("beside", x, "data == 2"));
  await publish([x, 1]);
  const driven = await claim(run.id);
  await publish([x, 2]);
  await publish([y, 3]);
  await end(driven, waitFor("beside", x, "data == 2"));
  await driveTo(run, waitFor("last", y));
  expect(await outcomes(run)).toEqual({ first: 1, beside: 2, last: 3 });
});

test("what a branch caused before its step failed counts, whatever another branch waits for", async () => {
  const run = await begin();
  await end(run, waitFor("beside", x), retryOf("flaky", 1000));
  await publish([y, 1]);
  await rotor.moveClock("1 minute");
  await driveTo(run, waitFor("beside", x), waitFor("answer", y));
  expect(await outcomes(run)).toEqual({ answer: 1 });
});

test("an event that was published together with a run's trigger counts, the trigger itself does not", async () => {
  await register(`triggered-${names}`, x);
  await publish([x, "trigger"], [y, "beside it"]);
  const run = await claim();
  await end(run, waitFor("first", y), waitFor("second", x));
  expect(await outcomes(run)).toEqual({ first: "beside it" });
});

const many = 20_000;

/** As if so many had been published since the run was claimed. */
const flood = (name: string) => rotor.sql`
  insert into event (workspace_id, id, name, data, ts, published_at, provenance, created_at)
  select ${rotor.home.id}, ${name} || n, ${name}, '{"n":' || n || ',"who":"p' || n || '"}', rotor_now(), rotor_now(), '{}', rotor_now()
  from generate_series(1, ${many}) n`;

test.each([
  ["none", undefined, 1],
  ["a field", 'data.who == "p15000"', 15_000],
  ["a field, and no event fits", 'data.who == "nobody"', undefined],
  ["an order", "data.n > 15000", 15_001],
  ["a field and more", "data.n > 15000 && data.n == 15002 && data.who != null", 15_002],
])("of all events since then the first that fits is found, with a match of %s", async (_, match, n) => {
  const run = await begin();
  await flood(x);
  await end(run, waitFor("first", x, match));
  expect((await outcomes(run)).first).toEqual(n && { n, who: `p${n}` });
});

test.each([
  ["that any event fits", undefined, 10],
  ["of a field that none has", 'data.nothing == "p1"', many + 10],
])("a wait %s reads no event twice, however many came", async (_, match, most) => {
  const run = await begin();
  await flood(x);
  const wait = waitFor("first", x, match);
  const drive = { run: run.id, workspaceId: rotor.home.id, token: run.token, steps: [], asked: null };
  const read = await services.databases.acrossByKeys(async (db) => {
    const before = await eventsRead(db);
    await finishDrives(db, [
      { ...drive, isAlone: true, next: { kind: "wait", status: "waiting", waits: [wait] } },
    ]);
    return (await eventsRead(db)) - before;
  });
  expect(read).toBeLessThanOrEqual(most);
});

/** Rows of events that this transaction has read so far, with an index or without. */
async function eventsRead(db: Database): Promise<number> {
  const [row] = await db.execute<{ n: string }>(sql`
    select seq_tup_read + coalesce(idx_tup_fetch, 0) as n from pg_stat_xact_user_tables where relname = 'event'`);
  return Number(row?.n);
}
