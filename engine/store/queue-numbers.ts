// How many jobs a queue has in each state, and how fast they go: from totals, never by counting rows.

import { type SQL, sql } from "drizzle-orm";
import type postgres from "postgres";
import type { Minute } from "../core/queue-numbers.ts";
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
  uids: readonly number[],
): Promise<Map<number, QueueCounts>> {
  if (uids.length === 0) return new Map();
  const list = sql`${`{${uids.join(",")}}`}::bigint[]`;
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
export type QueueNumbers = { counts: QueueCounts; pace: Pace };

/** The last hour in minutes, and its durations in buckets; what was not folded yet is looked at once, for everything. */
const numbers = sql.raw(`, clock as materialized (
      select rotor_now() as now, date_trunc('minute', rotor_now()) as minute
    ), flow as materialized (
      select f.* from asked join queue_flow f on f.workspace_id = asked.workspace_id and f.queue_uid = asked.uid
    ), hour as materialized (
      select m.* from clock, asked
      join queue_minute m on m.workspace_id = asked.workspace_id and m.queue_uid = asked.uid
      where m.minute >= clock.minute - interval '60 minutes'
    ), late as (
      select f.* from flow f, clock where f.at >= clock.minute - interval '60 minutes'
    ), part as (
      select minute, accepted, completed, failed from hour
      union all
      select date_trunc('minute', at), accepted, greatest(completed, 0), greatest(failed, 0) from late
    ), bucket as (
      select slot.n - 1 as slot, slot.size as n from hour, unnest(buckets) with ordinality slot (size, n)
      union all
      select duration_slot(ms), 1 from late, unnest(run_ms) ms
    )
    select ${counted.map((name) => `coalesce(t.${name}, 0) + coalesce(f.${name}, 0) as ${name}`).join(", ")},
      (select floor(extract(epoch from clock.now - coalesce(j.due_at, j.created_at)))::int from job j
       where j.queue_uid = asked.uid and j.state = 'waiting' order by j.seq limit 1) as oldest,
      extract(epoch from clock.now - clock.minute)::float8 as into,
      (select coalesce(json_agg(json_build_object('ago', ago, 'accepted', accepted, 'completed', completed,
         'failed', failed)), '[]') from (
         select (extract(epoch from (select minute from clock) - minute) / 60)::int as ago, sum(accepted) as accepted,
           sum(completed) as completed, sum(failed) as failed from part group by 1) p) as minutes,
      (select json_agg(coalesce(sums.n, 0) order by g) from generate_series(0, 23) g
       left join (select slot, sum(n) as n from bucket group by slot) sums on sums.slot = g) as buckets
    from clock cross join asked
    left join queue_total t on t.queue_uid = asked.uid and t.workspace_id = asked.workspace_id
    left join (select ${counted.map((name) => `sum(${name}) as ${name}`).join(", ")} from flow) f on true`);

type NumbersRow = { oldest: number | null; into: number; minutes: Minute[]; buckets: number[] };

/** All of one queue, in one statement; undefined for a queue that does not exist. */
export async function readNumbers(
  db: Database,
  workspaceId: string,
  name: string,
): Promise<QueueNumbers | undefined> {
  const [row] = await db.execute<NumbersRow>(sql`
    with asked as materialized (
      select workspace_id, uid from queue where workspace_id = ${workspaceId} and name = ${name}
    )${numbers}`);
  if (!row) return undefined;
  const { minutes, buckets, into, ...counts } = row;
  const pace = { minutes: parsed(minutes), buckets: parsed(buckets), secondsIntoMinute: into };
  return { counts: toCounts(counts), pace };
}

/** Drizzle leaves JSON of its own statements as text. */
function parsed<T>(value: T | string): T {
  return typeof value === "string" ? (JSON.parse(value) as T) : value;
}
