// Claiming and ending jobs: the two statements of the delivery loop.

import type postgres from "postgres";
import type { AttemptEnd } from "../core/job.ts";
import type { Backoff } from "../core/retry.ts";

export type ClaimedJob = {
  id: string;
  seq: number;
  payload: string;
  tags: string[];
  generation: number;
  attempt: number;
  maxAttempts: number;
  backoff: Backoff | null;
};

/** One end of an attempt, with what is recorded of the attempt itself. */
export type JobEnd = AttemptEnd & {
  id: string;
  lease: string;
  fingerprint: string | null;
  durationMs: number;
  status: number | null;
  response: string | null;
  error: string | null;
};

export type ClaimRow = {
  id: string;
  seq: string;
  payload: string | null;
  tags: string[] | null;
  generation: number;
  attempt: number;
  max_attempts: number;
  backoff: Backoff | null;
};

export type Claim = {
  queueUid: number;
  want: number;
  /** Of payloads; at least one job is claimed, however large. */
  mostBytes?: number;
  lease: string;
  leaseMs: number;
};

/** Of payloads that one claim may bring. */
export const largestClaimBytes = 16 * 1024 * 1024;

export type Worked = {
  accepted: number;
  claimed: ClaimedJob[];
  /** When the ends gave concurrency keys back: the queues where somebody waits for them. Then nothing was claimed. */
  woken: number[] | null;
  /** True when not all were looked at, for so many wait for keys, or are large: claim again. */
  more: boolean;
};

/** Ends and then claims, in one trip and one commit: how many ends were accepted, and what to do next. */
export async function workQueue(
  sql: postgres.Sql,
  { queueUid, want, mostBytes = largestClaimBytes, lease, leaseMs }: Claim,
  ends: readonly JobEnd[],
): Promise<Worked> {
  const rows = await sql<(ClaimRow & { accepted: number | null; woken: string[] | null })[]>`
    select * from work_jobs(${queueUid}, ${toJson(ends)}::text::json, ${want}, ${Math.floor(mostBytes)}, ${lease}, ${leaseMs})`;
  const claimed = rows.slice(1).filter(({ id }) => id !== null);
  return {
    accepted: rows[0]?.accepted ?? 0,
    claimed: claimed.map(toClaimed),
    woken: rows[0]?.woken?.map(Number) ?? null,
    more: claimed.length < rows.length - 1,
  };
}

/** Only ends: the ids that were accepted, and the queues where somebody waits for a key of theirs. */
export async function endJobs(
  sql: postgres.Sql,
  queueUid: number,
  ends: readonly JobEnd[],
): Promise<{ accepted: string[]; woken: number[] }> {
  const [row] = await sql<{ accepted: string[]; woken: string[] | null }[]>`
    select * from end_jobs(${queueUid}, ${toJson(ends)}::text::json)`;
  return { accepted: row?.accepted ?? [], woken: row?.woken?.map(Number) ?? [] };
}

function toJson(ends: readonly JobEnd[]): string {
  return JSON.stringify(
    ends.map((end) => ({
      id: end.id,
      lease: end.lease,
      state: end.state,
      due_ms: end.dueMs,
      result: end.result,
      reason: end.reason,
      fail_reason: end.failReason,
      fingerprint: end.fingerprint,
      started_ms: Math.round(end.durationMs),
      status: end.status,
      response: end.response,
      error: end.error,
    })),
  );
}

export function toClaimed(row: ClaimRow): ClaimedJob {
  return {
    id: row.id,
    seq: Number(row.seq),
    payload: row.payload ?? "{}",
    tags: row.tags ?? [],
    generation: row.generation,
    attempt: row.attempt,
    maxAttempts: row.max_attempts,
    backoff: row.backoff,
  };
}

/** Delayed jobs whose time has come wait again; answers the queues that got work. */
export async function promoteDue(
  sql: postgres.Sql,
  most: number,
): Promise<{ moved: number; queues: number[] }> {
  const rows = await sql<{ queue_uid: string; moved: number }[]>`
    with due as (
      select queue_uid, id from job where state = 'delayed' and due_at <= (select rotor_now())
      order by due_at limit ${most} for update skip locked
    ), moved as (
      update job j set state = 'waiting' from due d
      where j.queue_uid = d.queue_uid and j.id = d.id
      returning j.queue_uid, j.workspace_id
    ), flowed as (
      insert into queue_flow (queue_uid, workspace_id, at, waiting, delayed)
      select queue_uid, workspace_id, rotor_now(), count(*), -count(*) from moved group by 1, 2 order by 1
    )
    select queue_uid, count(*)::int as moved from moved group by 1`;
  return {
    moved: rows.reduce((sum, { moved }) => sum + moved, 0),
    queues: rows.map(({ queue_uid: uid }) => Number(uid)),
  };
}

export type ExpiredLease = {
  queueUid: number;
  id: string;
  lease: string;
  attempt: number;
  maxAttempts: number;
  backoff: Backoff;
  /** Since it was claimed. */
  durationMs: number;
};

/** Attempts whose worker has not been heard of for longer than its lease. */
export async function findExpiredLeases(sql: postgres.Sql, most: number): Promise<ExpiredLease[]> {
  const rows = await sql`
    select j.queue_uid, j.id, j.lease, j.attempts_made, j.max_attempts, coalesce(j.backoff, q.backoff) as backoff,
      least(extract(epoch from rotor_now() - j.started_at) * 1000, 2147483647)::int as ms
    from job j join queue q on q.uid = j.queue_uid
    where j.state = 'active' and j.lease_until < (select rotor_now()) order by j.lease_until limit ${most}`;
  return rows.map((row) => ({
    queueUid: Number(row.queue_uid),
    id: row.id,
    lease: row.lease,
    attempt: row.attempts_made,
    maxAttempts: row.max_attempts,
    backoff: row.backoff,
    durationMs: row.ms,
  }));
}

/**
 * Every queue that has a job ready and somebody to be told of it: not a paused one, nor a pull queue whose workers ask
 * by themselves. One index probe per queue, however many jobs wait in it.
 */
export async function findReadyQueues(sql: postgres.Sql): Promise<number[]> {
  const rows = await sql<{ queue_uid: string }[]>`
    with recursive ready as (
      (select queue_uid from job where state = 'waiting' and not parked order by queue_uid limit 1)
      union all
      select (select j.queue_uid from job j where j.state = 'waiting' and not j.parked and j.queue_uid > r.queue_uid
              order by j.queue_uid limit 1)
      from ready r where r.queue_uid is not null
    )
    select r.queue_uid from ready r join queue q on q.uid = r.queue_uid
    join workspace w on w.id = q.workspace_id
    left join queue_load l on l.queue_uid = q.uid
    where q.paused_at is null and w.suspended_at is null and w.deleted_at is null
      and (q.callback_url is not null or l.awaited_until > rotor_now())`;
  return rows.map(({ queue_uid: uid }) => Number(uid));
}
