// I12: Postgres keeps the plans of a connection. Those that were made while there was little must be right for a full
// queue, too: nobody tells Postgres of a burst before it has looked at the table by itself.

import { randomUUID } from "node:crypto";
import { contract } from "@rotorsh/contract";
import postgres from "postgres";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type JobEnd, workQueue } from "../store/job-work.ts";
import { startTestEngine, type TestEngine } from "../testing/index.ts";

let rotor: TestEngine;
let sql: postgres.Sql;
let queues = 0;
const jobs = 20_000;
/** Of other claims; each claim counts them, and an end may come upon them. */
const underWay = 500;

beforeAll(async () => {
  rotor = await startTestEngine();
  sql = postgres(rotor.url, { max: 1 });
  await sql`alter table job set (autovacuum_enabled = false)`;
});

afterAll(async () => {
  await sql.end();
  await rotor.stop();
});

const endOf = (id: string, lease: string): JobEnd => ({
  ...{ id, lease, state: "completed", dueMs: null, result: null, reason: null, failReason: null },
  ...{ fingerprint: null, durationMs: 1, status: 200, response: null, error: null },
});

/** Rows of jobs, and entries of their indexes, that this transaction has read so far. */
async function readSoFar(): Promise<number> {
  const [row] = await sql<{ n: string }[]>`
    select pg_stat_get_xact_tuples_returned('job'::regclass) + pg_stat_get_xact_tuples_fetched('job'::regclass)
      + (select sum(pg_stat_get_xact_tuples_returned(indexrelid)) from pg_index where indrelid = 'job'::regclass) as n`;
  return Number(row?.n);
}

const fill = (queueUid: number, state: string, count: number, key = "null") => sql`
  insert into job (queue_uid, id, workspace_id, state, priority, payload, concurrency_key, max_attempts, provenance, created_at)
  select ${queueUid}, ${state} || n, ${rotor.home.id}, ${state}, 0, '{}', ${sql.unsafe(key)}, 3, '{}', rotor_now()
  from generate_series(1, ${count}) n`;

/** What Postgres took the table for; each of these makes it plan anew. */
const times: Record<string, (queueUid: number) => Promise<unknown>> = {
  "before it was ever looked at": () => sql`truncate job, job_key`,
  "while it was empty": async () => {
    await sql`truncate job, job_key`;
    await sql`vacuum analyze job`;
  },
  "while a few had ended": async (queueUid) => {
    await sql`truncate job, job_key`;
    await fill(queueUid, "completed", 30);
    await sql`vacuum analyze job`;
  },
};

const cases = Object.keys(times).flatMap((time) => [
  { time, keys: "a key each", key: "'k' || n" },
  { time, keys: "no keys", key: "null" },
]);

test.each(cases)("claims and ends planned $time read what they need, with $keys", async ({ time, key }) => {
  const name = `plans-${queues++}`;
  await rotor.engine.callAs(rotor.home.admin)(contract.queues.create, { name, concurrency: 1000 }, {});
  const [queue] = await sql<{ uid: string }[]>`select uid from queue where name = ${name}`;
  const queueUid = Number(queue?.uid);
  const work = async (want: number, ends: JobEnd[] = []) => {
    const lease = randomUUID();
    const { claimed } = await workQueue(sql, { queueUid, want, lease, leaseMs: 60_000 }, ends);
    return claimed.map(({ id }) => endOf(id, lease));
  };
  await times[time]?.(queueUid);
  // Often enough for every plan to be kept.
  for (let round = 0; round < 12; round++)
    expect(await work(20, [endOf("nobody", randomUUID())])).toEqual([]);
  await fill(queueUid, "waiting", jobs, key);
  expect(await work(underWay)).toHaveLength(underWay);
  await sql`begin`;
  const before = await readSoFar();
  const held = await work(20);
  const between = await readSoFar();
  await work(0, held);
  const after = await readSoFar();
  await sql`commit`;
  expect(held).toHaveLength(20);
  const [claim, end] = [between - before, after - between];
  expect(claim).toBeLessThan(3 * underWay);
  expect(end).toBeLessThan(3 * underWay);
});
