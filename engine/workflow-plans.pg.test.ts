// Postgres keeps the plan of a statement that it made when the tables were empty. None may then read a table whole.

import { randomUUID } from "node:crypto";
import { contract } from "@rotorsh/contract";
import { sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Next } from "./core/drive-end.ts";
import { newId } from "./ids.ts";
import { type Database, type Databases, openDatabases } from "./store/database.ts";
import { publishDue, publishEvents, publishPlainly } from "./store/event-publish.ts";
import { cancelRuns } from "./store/run-cancel.ts";
import { claimRuns, findTarget, renewLeases } from "./store/run-claim.ts";
import { type DriveEnd, finishDrives } from "./store/run-finish.ts";
import { insertRuns, type NewRun } from "./store/run-start.ts";
import { type RunWrites, writeRuns } from "./store/run-writes.ts";
import { findEnded } from "./store/runs.ts";
import { completeSignal, findSignal } from "./store/signals.ts";
import { execute } from "./testing/execute.ts";
import { call, startTestEngine, type TestEngine } from "./testing/index.ts";

let rotor: TestEngine;
let databases: Databases;

beforeAll(async () => {
  rotor = await startTestEngine();
  // One connection for everything, as its plans are its own.
  databases = openDatabases({ url: rotor.url, rowSecurity: true, enginePool: 1 });
  const register = { id: "planned", serve_url: "http://127.0.0.1:50997/", trigger_event: "planned" };
  await call(rotor.engine, rotor.home.admin, contract.functions.register, register);
});

afterAll(async () => {
  await databases?.close();
  await rotor?.stop();
});

const tables = ["run", "step", "waiter", "event", "signal_end", "usage"];
const many = 20_000;

const newRun = (): NewRun => ({
  ...{ id: newId("run"), workspaceId: rotor.home.id, workflowId: "planned", idempotencyKey: randomUUID() },
  ...{ eventId: null, eventName: null, eventTs: Date.now(), input: "{}", provenance: {} },
});
const newEvent = (name: string, ts: number | null = null) => ({
  ...{ workspaceId: rotor.home.id, id: newId("evt"), name, data: { a: 1 }, ts, provenance: {} },
});
const step = () => ({
  ...{ key: randomUUID(), name: "a", kind: "run" as const, outcome: { ok: 1 }, attempt: 1, durationMs: 1 },
});

type Claimed = { id: string; token: string };

async function taken(db: Database): Promise<Claimed> {
  const take = { room: 1, leaseMs: 600_000, taken: [] };
  await insertRuns(db, [newRun()], take);
  return take.taken[0] as unknown as Claimed;
}

const end = ({ id, token }: Claimed, next: Next, isAlone = true): DriveEnd => ({
  ...{ run: id, workspaceId: rotor.home.id, token, steps: [step()], asked: [], next, isAlone },
});

const waits = (): Next => ({
  kind: "wait",
  status: "waiting",
  waits: [
    {
      ...{ kind: "event", key: "e", name: "e", event: "waited", timeoutMs: 1e7 },
      match: "data.a == 1",
    },
    { kind: "signal", key: "s", name: "s", signal: randomUUID(), timeoutMs: 1e7 },
    { kind: "invoke", key: "i", name: "i", workflow: "planned", data: {}, timeoutMs: 1e7 },
    { kind: "sleep", key: "z", name: "z", forMs: 1e7 },
    {
      kind: "retry",
      key: "r",
      name: "r",
      error: { name: "E", message: "" },
      attempt: 1,
      durationMs: 1,
      inMs: 1e7,
    },
  ],
});

/** In the transaction of the test. */
function write(db: Database, some: Partial<RunWrites>) {
  const unsafe = (text: string, parameters: unknown[]) =>
    db.execute(
      sql.join(
        text
          .split(/\$\d+/)
          .flatMap((part, at) => [
            sql.raw(part),
            ...(at < parameters.length ? [sql`${parameters[at]}`] : []),
          ]),
      ),
    );
  const take = { room: 1, leaseMs: 1000, taken: [] };
  const all = { steps: [], ends: [], runs: [], take, access: null, ...some };
  return writeRuns({ unsafe } as never, all);
}

/** Everything a run goes through, in a transaction of any kind. */
const works: Record<string, (db: Database) => Promise<unknown>> = {
  claim: (db) => claimRuns(db, 20, 1000),
  "claim none": (db) => claimRuns(db, 0, 1000),
  start: (db) => insertRuns(db, [newRun()]),
  "start again": async (db) => {
    const run = newRun();
    await insertRuns(db, [run]);
    const again = await insertRuns(db, [{ ...run, id: newId("run") }]);
    expect(again).toEqual([{ kind: "duplicate", id: run.id }]);
  },
  publish: (db) => publishPlainly(db, [newEvent("planned")], { room: 1, leaseMs: 1, taken: [] }, null),
  "publish for nobody": (db) => publishPlainly(db, [newEvent("x")], { room: 1, leaseMs: 1, taken: [] }, null),
  checkpoint: async (db) => {
    const { id: run, token } = await taken(db);
    const kept = step();
    const send = { ...step(), kind: "send" as const, send: { name: "y", data: 1 } };
    for (const one of [kept, kept, send]) await write(db, { steps: [{ run, token, step: one }] });
    await write(db, { steps: [{ run, token: randomUUID(), step: step() }] });
  },
  renew: async (db) => {
    const { id: run, token } = await taken(db);
    await renewLeases(db, [{ run, token }], 1000);
  },
  "end alone": async (db) => write(db, { ends: [end(await taken(db), { kind: "completed", output: 1 })] }),
  "all in one": async (db) => {
    const { id: run, token } = await taken(db);
    const ends = [end(await taken(db), { kind: "completed", output: 1 })];
    await write(db, { steps: [{ run, token, step: step() }], ends, runs: [newRun()] });
  },
  "look for ends": (db) => findEnded(db, [newId("run")]),
  target: (db) => findTarget(db, rotor.home.id, "planned"),
};

/** And in one that goes by keys. */
const keyed: typeof works = {
  "publish with care": async (db) => {
    const event = newEvent("planned");
    await publishEvents(db, [event]);
    await publishEvents(db, [event]);
  },
  "publish for those who wait": (db) => publishEvents(db, [newEvent("waited")]),
  "publish later": async (db) => {
    await publishEvents(db, [newEvent("planned", Date.now() + 3_600_000)]);
    await publishDue(db, 100);
  },
  end: async (db) => finishDrives(db, [end(await taken(db), { kind: "completed", output: 1 }, false)]),
  fail: async (db) =>
    finishDrives(db, [
      end(await taken(db), { kind: "retry", inMs: 1000, error: { name: "E", message: "" } }),
    ]),
  wait: async (db) => finishDrives(db, [end(await taken(db), waits())]),
  "wait and be cancelled": async (db) => {
    const run = await taken(db);
    await finishDrives(db, [end(run, waits())]);
    await cancelRuns(db, rotor.home.id, [run.id]);
  },
  signal: async (db) => {
    const run = await taken(db);
    const signal = randomUUID();
    await finishDrives(db, [
      end(run, {
        ...{ kind: "wait", status: "waiting" },
        waits: [{ kind: "signal", key: "s", name: "s", signal, timeoutMs: 1e7 }],
      }),
    ]);
    const { wait } = await findSignal(db, rotor.home.id, signal);
    await completeSignal(db, wait as NonNullable<typeof wait>, 1);
  },
};

/** Tables that were read whole, and how often. */
async function readWhole(name: string): Promise<Record<string, number>> {
  const undone = new Error("undone");
  let read: Record<string, number> = {};
  const [work, transaction] = keyed[name]
    ? [keyed[name], databases.acrossByKeys]
    : [works[name] as (typeof works)[0], databases.acrossWorkspaces];
  await transaction(async (db) => {
    const before = await rowsRead(db);
    await work(db);
    const after = await rowsRead(db);
    const times = tables.map((table) => Math.round(((after[table] ?? 0) - (before[table] ?? 0)) / many));
    read = Object.fromEntries(
      tables.map((table, index) => [table, times[index] ?? 0]).filter(([, count]) => count),
    );
    throw undone;
  }).catch((error: unknown) => {
    if (error !== undone) throw error;
  });
  return read;
}

/** By this connection, with an index or without. */
async function rowsRead(db: Database): Promise<Record<string, number>> {
  const rows = await db.execute<{ name: string; rows: string }>(
    sql`select relname as name, seq_tup_read + coalesce(idx_tup_fetch, 0) as rows from pg_stat_xact_user_tables`,
  );
  return Object.fromEntries(rows.map(({ name, rows }) => [name, Number(rows)]));
}

async function fill(): Promise<void> {
  const ws = rotor.home.id;
  await databases.engine.execute(sql`
    insert into run (id, workspace_id, workflow_id, version_number, status, event_name, event_ts, input, since, due_at,
      provenance, created_at, lease)
    select 'run_' || n, ${ws}, 'planned', 1, 'waiting', 'planned', 0, '{}', rotor_now(), rotor_now() + interval '1 day',
      '{}', rotor_now(), null from generate_series(1, ${many}) n`);
  await databases.engine.execute(sql`
    insert into step (run_id, key, workspace_id, name, kind, outcome, attempts, duration_ms, started_at, ended_at)
    select 'run_' || n, 'k', ${ws}, 'a', 'run', '{"ok":1}', 1, 1, rotor_now(), rotor_now() from generate_series(1, ${many}) n`);
  await databases.engine.execute(sql`
    insert into waiter (run_id, key, workspace_id, name, kind, due_at, event, match, match_path, match_value, signal, created_at)
    select 'run_' || n, 'w', ${ws}, 'w', 'event', rotor_now() + interval '1 day', 'waited', 'data.a == ' || n + 10, '["data","a"]',
      'number:' || n, 'signal' || n, rotor_now() from generate_series(1, ${many}) n`);
  await databases.engine.execute(sql`
    insert into event (workspace_id, id, name, data, ts, published_at, provenance, created_at)
    select ${ws}, 'evt_' || n, 'waited', '{}', rotor_now() - interval '1 day', rotor_now() - interval '1 day', '{}', rotor_now()
    from generate_series(1, ${many}) n`);
  await databases.engine.execute(sql`
    insert into signal_end (workspace_id, signal, run_id, ended_at)
    select ${ws}, 'signal_' || n, 'run_1', rotor_now() from generate_series(1, ${many}) n`);
}

test("waits are found by their keys, though there had been none for long when that was planned", async () => {
  // Without a page; one that was never vacuumed is believed to have ten.
  await execute(rotor.url, "vacuum waiter");
  const names = ["publish", "wait"];
  for (const name of names) for (let round = 0; round < 8; round++) await readWhole(name);
  await fill();
  for (const name of names) expect(await readWhole(name), name).toEqual({});
  await execute(rotor.url, `truncate ${tables.join()}`);
});

test("no plan that was made on empty tables reads a full one whole", async () => {
  for (const table of tables)
    await execute(rotor.url, `alter table ${table} set (autovacuum_enabled = false)`);
  const names = [...Object.keys(works), ...Object.keys(keyed)];
  for (let round = 0; round < 8; round++) for (const name of names) await readWhole(name);
  await fill();
  const read: Record<string, unknown> = {};
  for (const name of names) {
    const whole = await readWhole(name);
    if (Object.keys(whole).length > 0) read[name] = whole;
  }
  expect(read).toEqual({});
}, 120_000);
