// Rows that nobody will ask for again. Each statement is bounded, and safe in any number of processes at once.

import { plans } from "@rotorsh/contract";
import type postgres from "postgres";
import { limitsOf } from "../core/plan.ts";

/** How long after a deletion a statement that began before it may still write rows of the queue. */
const stragglers = "10 minutes";
/** Minutes of numbers are kept this long, on every plan. */
const numbersKept = "7 days";

/** Days that what has ended is kept, by plan; a workspace may have its own number. */
export const retention = JSON.stringify(
  Object.fromEntries(
    plans.map((plan) => {
      const none = { requestsPerMinute: null, executionsPerMonth: null, retentionDays: null };
      return [plan, limitsOf(plan, none).retentionDays];
    }),
  ),
);

/** Queues of deleted workspaces are deleted too; true when there may be more. */
export async function deleteOrphanQueues(sql: postgres.Sql, most: number): Promise<boolean> {
  const rows = await sql`
    with gone as (
      delete from queue where uid in (
        select q.uid from queue q join workspace w on w.id = q.workspace_id where w.deleted_at is not null limit ${most})
      returning uid, workspace_id
    )
    insert into queue_gone (queue_uid, workspace_id, deleted_at)
    select uid, workspace_id, rotor_now() from gone returning 1`;
  return rows.length === most;
}

export async function listGoneQueues(sql: postgres.Sql, most: number): Promise<number[]> {
  const rows = await sql<{ queue_uid: string }[]>`
    select queue_uid from queue_gone order by deleted_at limit ${most}`;
  return rows.map(({ queue_uid: uid }) => Number(uid));
}

/** Jobs of a deleted queue; answers how many. */
export async function purgeGoneJobs(sql: postgres.Sql, uid: number, most: number): Promise<number> {
  const [row] = await sql<{ n: number }[]>`select purge_gone(${uid}, ${most}) as n`;
  return row?.n ?? 0;
}

/** Everything else of a deleted queue, once none of its jobs is left and none can come. */
export async function forgetGoneQueue(sql: postgres.Sql, uid: number): Promise<void> {
  await sql`
    with over as (
      select queue_uid from queue_gone where queue_uid = ${uid} and deleted_at < rotor_now() - ${stragglers}::interval
        and not exists (select from job where queue_uid = ${uid}) for update
    ), flow as (delete from queue_flow t using over where t.queue_uid = over.queue_uid),
      total as (delete from queue_total t using over where t.queue_uid = over.queue_uid),
      minute as (delete from queue_minute t using over where t.queue_uid = over.queue_uid),
      load as (delete from queue_load t using over where t.queue_uid = over.queue_uid)
    delete from queue_gone t using over where t.queue_uid = over.queue_uid`;
}

export type AgedQueue = { uid: number; state: string; before: Date };

/** Where the oldest ended job is older than its workspace keeps jobs: one index probe per queue and state. */
export async function findAgedQueues(sql: postgres.Sql): Promise<AgedQueue[]> {
  const rows = await sql<{ uid: string; state: string; before: Date }[]>`
    select q.uid, s.state, k.before from queue q join workspace w on w.id = q.workspace_id,
      lateral (select rotor_now() - coalesce(w.retention_days, (${retention}::text::jsonb->>w.plan)::int) * interval '1 day'
        as before) k,
      (values ('completed'), ('failed'), ('cancelled'), ('guardrail.blocked')) s (state),
      lateral (select created_at from job j where j.queue_uid = q.uid and j.state = s.state order by j.seq limit 1) oldest
    where oldest.created_at < k.before`;
  return rows.map(({ uid, ...row }) => ({ ...row, uid: Number(uid) }));
}

export type Purged = { removed: number; afterSeq: number; done: boolean };

/**
 * Removes the aged among the next jobs in line. They lie by when they were made, so behind the first that was made
 * too recently none can have ended long enough ago.
 */
export async function purgeAged(
  sql: postgres.Sql,
  { uid, state, before }: AgedQueue,
  afterSeq: number,
  most: number,
): Promise<Purged> {
  const [row] = await sql<{ removed: number; last: string | null; looked: number }[]>`
    with line as materialized (
      select id, seq, created_at, ended_at from job
      where queue_uid = ${uid} and state = ${state} and seq > ${afterSeq} order by seq limit ${most}
      for update skip locked
    )
    select remove_jobs(${uid}, array(select id from line where ended_at < ${before})) as removed,
      (select max(seq) from line) as last,
      (select count(*)::int from line where created_at < ${before}) as looked`;
  const { removed = 0, last = null, looked = 0 } = row ?? {};
  return { removed, afterSeq: Number(last ?? afterSeq), done: looked < most };
}

/** Ended replays that are older than their workspace keeps jobs, with the list of their jobs; answers how many. */
export async function purgeReplays(sql: postgres.Sql, most: number): Promise<number> {
  const rows = await sql`
    with aged as (
      delete from replay where id in (
        select r.id from replay r join workspace w on w.id = r.workspace_id
        where r.ended_at < rotor_now() - coalesce(w.retention_days, (${retention}::text::jsonb->>w.plan)::int) * interval '1 day'
        order by r.ended_at limit ${most})
      returning id
    ), listed as (delete from replay_job j using aged a where j.replay_id = a.id)
    select 1 from aged`;
  return rows.length;
}

/** Decided approvals that are older than their workspace keeps jobs; answers how many. */
export async function purgeApprovals(sql: postgres.Sql, most: number): Promise<number> {
  const rows = await sql`
    delete from approval where id in (
      select a.id from approval a join workspace w on w.id = a.workspace_id
      where a.decided_at < rotor_now() - coalesce(w.retention_days, (${retention}::text::jsonb->>w.plan)::int) * interval '1 day'
      order by a.decided_at limit ${most})`;
  return rows.count;
}

/** Schedules of deleted workspaces, and the history of all that is older than its workspace keeps jobs; answers how many. */
export async function purgeSchedules(sql: postgres.Sql, most: number): Promise<number> {
  const gone = await sql`
    delete from schedule where id in (
      select s.id from schedule s join workspace w on w.id = s.workspace_id where w.deleted_at is not null limit ${most})`;
  const aged = await sql`
    delete from schedule_run where ctid in (
      select r.ctid from workspace w, lateral (
        select ctid from schedule_run s where s.workspace_id = w.id and s.fired_at <
          rotor_now() - coalesce(w.retention_days, (${retention}::text::jsonb->>w.plan)::int) * interval '1 day'
        order by s.fired_at limit ${most}
      ) r limit ${most})`;
  return gone.count + aged.count;
}

export async function purgeMinutes(sql: postgres.Sql, most: number): Promise<number> {
  const rows = await sql`
    delete from queue_minute where ctid in (
      select ctid from queue_minute where minute < rotor_now() - ${numbersKept}::interval limit ${most})`;
  return rows.count;
}
