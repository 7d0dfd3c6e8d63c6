// How many jobs a queue has in each state, and how fast they go: from totals, never by counting rows.

import { type SQL, sql } from "drizzle-orm";
import type postgres from "postgres";
import type { Minute } from "../core/queue-numbers.ts";
import { must } from "../must.ts";
import type { Database } from "./database.ts";

const foldBatch = 5000;

/** Adds what was appended since to the totals and to the minutes. Any number of processes may fold at once. */
export async function foldFlow(client: postgres.Sql): Promise<void> {
  for (;;) {
    const [row] = await client<{ folded: number }[]>`select fold_flow(${foldBatch}) as folded`;
    if ((row?.folded ?? 0) < foldBatch) return;
  }
}

const counted = [
  "waiting",
  "delayed",
  "active",
  "completed",
  "failed",
  "cancelled",
  "pending_approval",
  "guardrail_blocked",
] as const;

export type QueueCounts = Record<(typeof counted)[number], number> & {
  oldest_waiting_seconds: number | null;
};

const columns = (each: (name: string) => string): SQL => sql.raw(counted.map(each).join(", "));

/** Of many queues in one statement: totals, what was not folded yet, and one probe for the oldest that waits. */
export async function readCounts(
  db: Database,
  workspaceId: string,
  uids: readonly number[] | SQL,
): Promise<Map<number, QueueCounts>> {
  if (Array.isArray(uids) && uids.length === 0) return new Map();
  const list = Array.isArray(uids) ? sql`${`{${uids.join(",")}}`}::bigint[]` : sql`array(${uids})`;
  const rows = await db.execute<{ uid: string; oldest: number | null } & Record<string, string | number>>(sql`
    select q.uid, ${columns((name) => `coalesce(t.${name}, 0) + coalesce(f.${name}, 0) as ${name}`)},
      (select floor(extract(epoch from rotor_now() - coalesce(j.due_at, j.created_at)))::int from job j
       where j.queue_uid = q.uid and j.state = 'waiting' order by j.seq limit 1) as oldest
    from unnest(${list}) q (uid)
    left join queue_total t on t.queue_uid = q.uid and t.workspace_id = ${workspaceId}
    left join (
      select queue_uid, ${columns((name) => `sum(${name}) as ${name}`)} from queue_flow
      where workspace_id = ${workspaceId} and queue_uid = any(${list}) group by queue_uid
    ) f on f.queue_uid = q.uid`);
  return new Map(rows.map((row) => [Number(row.uid), toCounts(row)]));
}

function toCounts(row: { oldest: number | null } & Record<string, unknown>): QueueCounts {
  const counts = Object.fromEntries(counted.map((name) => [name, Number(row[name])]));
  return {
    ...(counts as Omit<QueueCounts, "oldest_waiting_seconds">),
    oldest_waiting_seconds: row.oldest === null ? null : Math.max(0, row.oldest),
  };
}

export type Pace = { minutes: Minute[]; buckets: number[]; secondsIntoMinute: number };

/** The last hour in minutes, and its durations in buckets. */
export async function readPace(db: Database, workspaceId: string, uid: number | SQL): Promise<Pace> {
  const [row] = await db.execute<{ minutes: Minute[]; buckets: number[]; into: number }>(sql`
    with clock as materialized (select rotor_now() as now, date_trunc('minute', rotor_now()) as minute),
    flow as materialized (
      select f.* from queue_flow f, clock
      where f.workspace_id = ${workspaceId} and f.queue_uid = ${uid} and f.at >= clock.minute - interval '60 minutes'
    ), part as (
      select m.minute, m.accepted, m.completed, m.failed from queue_minute m, clock
      where m.workspace_id = ${workspaceId} and m.queue_uid = ${uid} and m.minute >= clock.minute - interval '60 minutes'
      union all
      select date_trunc('minute', at), accepted, greatest(completed, 0), greatest(failed, 0) from flow
    ), bucket as (
      select slot.n - 1 as slot, slot.size as n from queue_minute m, clock, unnest(m.buckets) with ordinality slot (size, n)
      where m.workspace_id = ${workspaceId} and m.queue_uid = ${uid} and m.minute >= clock.minute - interval '60 minutes'
      union all
      select duration_slot(ms), 1 from flow, unnest(run_ms) ms
    )
    select extract(epoch from now - minute)::float8 as into,
      (select coalesce(json_agg(json_build_object('ago', ago, 'accepted', accepted, 'completed', completed,
         'failed', failed)), '[]') from (
         select (extract(epoch from (select minute from clock) - minute) / 60)::int as ago, sum(accepted) as accepted,
           sum(completed) as completed, sum(failed) as failed from part group by 1) p) as minutes,
      (select json_agg(coalesce(sums.n, 0) order by g) from generate_series(0, 23) g
       left join (select slot, sum(n) as n from bucket group by slot) sums on sums.slot = g) as buckets
    from clock`);
  const { minutes, buckets, into } = must(row, "the pace of a queue");
  return { minutes: parsed(minutes), buckets: parsed(buckets), secondsIntoMinute: into };
}

export type QueueNumbers = { counts: QueueCounts; pace: Pace };

/** All of one queue, in one round trip; undefined for a queue that does not exist. */
export async function readNumbers(
  db: Database,
  workspaceId: string,
  name: string,
): Promise<QueueNumbers | undefined> {
  const uid = sql`(select uid from queue where workspace_id = ${workspaceId} and name = ${name})`;
  const [counts, pace] = await Promise.all([
    readCounts(db, workspaceId, uid),
    readPace(db, workspaceId, uid),
  ]);
  const [found] = counts.values();
  return found && { counts: found, pace };
}

/** Drizzle leaves JSON of its own statements as text. */
function parsed<T>(value: T | string): T {
  return typeof value === "string" ? (JSON.parse(value) as T) : value;
}
