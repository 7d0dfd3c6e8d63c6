// Runs, events and signals that are past their time. Each statement is bounded, and safe in any number of processes.

import type postgres from "postgres";
import { retention } from "./purge.ts";

/** When rows of a workspace are past their time: at once when it is deleted. */
const before = `case when w.deleted_at is not null then 'infinity'::timestamptz
  else rotor_now() - coalesce(w.retention_days, ($1::text::jsonb->>w.plan)::int) * interval '1 day' end`;

/** So many of the oldest are looked at: those that began long ago and ended lately must not hide the others. */
const looked = 5000;

/** Ended runs with their steps; answers how many. One of which the app is still to be told stays. */
export async function purgeRuns(sql: postgres.Sql, most: number): Promise<number> {
  const rows = await sql.unsafe(
    `with aged as materialized (
      select r.id from workspace w, lateral (select ${before} as before) k,
        (values ('completed'), ('failed'), ('cancelled')) s (status),
        lateral (select created_at from run r where r.workspace_id = w.id and r.status = s.status
          order by r.seq limit 1) oldest,
        lateral (select id, ended_at, hook from run r where r.workspace_id = w.id and r.status = s.status
          order by r.seq limit ${looked}) r
      where oldest.created_at < k.before and r.ended_at < k.before and (r.hook is null or w.deleted_at is not null)
      limit $2::int
    ), locked as (
      select id from run where id in (select id from aged) order by seq for update skip locked
    ), steps as (
      delete from step where run_id in (select id from locked)
    )
    delete from run where id in (select id from locked)`,
    [retention, most],
  );
  return rows.count;
}

/** Runs under way of deleted workspaces, with what they wait for. */
export async function purgeOrphanRuns(sql: postgres.Sql, most: number): Promise<number> {
  const rows = await sql`
    with orphan as materialized (
      select r.id from workspace w, lateral (select id, seq from run r where r.workspace_id = w.id
        and r.status in ('pending', 'running', 'sleeping', 'waiting') order by r.seq limit ${most}) r
      where w.deleted_at is not null limit ${most}
    ), locked as (
      select id from run where id in (select id from orphan) order by seq for update skip locked
    ), waits as (
      delete from waiter where run_id in (select id from locked)
    ), steps as (
      delete from step where run_id in (select id from locked)
    )
    delete from run where id in (select id from locked)`;
  return rows.count;
}

/** Published events; one that is still to be published stays, unless its workspace is deleted. */
export async function purgeEvents(sql: postgres.Sql, most: number): Promise<number> {
  const rows = await sql.unsafe(
    `with aged as (
      select w.id as ws, e.id from workspace w, lateral (select ${before} as before) k,
        lateral (select created_at from event e where e.workspace_id = w.id order by e.seq limit 1) oldest,
        lateral (select e.id, e.created_at, e.published_at from event e where e.workspace_id = w.id
          order by e.seq limit ${looked}) e
      where oldest.created_at < k.before and e.created_at < k.before and (w.deleted_at is not null or e.published_at < k.before) limit $2::int
    )
    delete from event e using aged a where e.workspace_id = a.ws and e.id = a.id`,
    [retention, most],
  );
  return rows.count;
}

/** After that nobody learns any more that a signal was completed, and not unknown. */
export async function purgeSignals(sql: postgres.Sql, most: number): Promise<number> {
  const rows = await sql.unsafe(
    `delete from signal_end where ctid in (
      select e.ctid from signal_end e join workspace w on w.id = e.workspace_id, lateral (select ${before} as before) k
      where e.ended_at < rotor_now() and e.ended_at < k.before order by e.ended_at limit $2::int)`,
    [retention, most],
  );
  return rows.count;
}
