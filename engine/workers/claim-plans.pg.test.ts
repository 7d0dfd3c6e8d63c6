// I12: Postgres keeps the plans of a connection. Those that were made while there was nothing must be right for a
// full queue, too: nobody tells Postgres of a burst before it has looked at the table by itself.

import { randomUUID } from "node:crypto";
import { contract } from "@rotorsh/contract";
import postgres from "postgres";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type JobEnd, workQueue } from "../store/job-work.ts";
import { startTestEngine, type TestEngine } from "../testing/index.ts";

let rotor: TestEngine;
let sql: postgres.Sql;
const jobs = 20_000;

beforeAll(async () => {
  rotor = await startTestEngine();
  sql = postgres(rotor.url, { max: 1 });
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

test.each([
  ["a key each", "'k' || n"],
  ["no keys", "null"],
])("claims and ends read no more than they take, with %s", async (_, key) => {
  const name = `plans-${key.length}`;
  await rotor.engine.callAs(rotor.home.admin)(contract.queues.create, { name, concurrency: 1000 }, {});
  const [queue] = await sql<{ uid: string }[]>`select uid from queue where name = ${name}`;
  const queueUid = Number(queue?.uid);
  let held: JobEnd[] = [endOf("nobody", randomUUID())];
  const work = async (want: number) => {
    const lease = randomUUID();
    const { claimed } = await workQueue(sql, { queueUid, want, lease, leaseMs: 60_000 }, held);
    held = claimed.map(({ id }) => endOf(id, lease));
    return claimed.length;
  };
  // Often enough for every plan to be kept.
  for (let round = 0; round < 12; round++) expect(await work(20)).toBe(0);
  await sql`
    insert into job (queue_uid, id, workspace_id, state, priority, payload, concurrency_key, max_attempts, provenance, created_at)
    select ${queueUid}, 'n' || n, ${rotor.home.id}, 'waiting', 0, '{}', ${sql.unsafe(key)}, 3, '{}', rotor_now()
    from generate_series(1, ${jobs}) n`;
  expect(await work(20)).toBe(20);
  await sql`begin`;
  const before = await readSoFar();
  // Where ends give keys back nothing is claimed: that comes next.
  await work(20);
  await work(20);
  expect((await readSoFar()) - before).toBeLessThan(1000);
  await sql`commit`;
  expect(held.length).toBe(20);
});
