// What workers of pull queues do to the ledger. Each function is one trip.

import type postgres from "postgres";
import type { Attempts } from "../core/job.ts";
import { type ClaimedJob, type ClaimRow, largestClaimBytes, toClaimed } from "./job-work.ts";

export type QueueName = { workspaceId: string; name: string };

export type PullClaim = {
  want: number;
  lease: string;
  leaseMs: number;
  /** The API key it is claimed with. */
  keyId: string;
};

/** `more`: not all was looked at, so claim again. */
export type PullClaimed = {
  uid: number;
  isPull: boolean;
  isGuarded: boolean;
  jobs: ClaimedJob[];
  more: boolean;
};

/**
 * Undefined when there is no such queue. Of a queue with a callback nothing is claimed, nor for a workspace that was
 * suspended, or with a key that was revoked, while the claim waited.
 */
export async function claimByName(
  sql: postgres.Sql,
  { workspaceId, name }: QueueName,
  { want, lease, leaseMs, keyId }: PullClaim,
): Promise<PullClaimed | undefined> {
  const rows = await sql<({ uid: string; pull: boolean; guarded: boolean; more: boolean } & ClaimRow)[]>`
    select q.uid, q.callback_url is null as pull, w.guard_version is not null or q.approval_required as guarded, c.*,
      coalesce(current_setting('rotor.looked_at_all', true), '') = 'no' as more
    from queue q join workspace w on w.id = q.workspace_id
    left join lateral claim_jobs(q.uid, case
      when q.callback_url is null and w.suspended_at is null and w.deleted_at is null and not exists (
        select from api_key where id = ${keyId} and (revoked_at <= rotor_now() or expires_at <= rotor_now()))
      then ${want}::int else 0 end, ${largestClaimBytes}, ${lease}::uuid, ${leaseMs}::int) c on true
    where q.workspace_id = ${workspaceId} and q.name = ${name}`;
  const [first] = rows;
  if (!first) return undefined;
  const jobs = rows.filter(({ id }) => id !== null).map(toClaimed);
  return { uid: Number(first.uid), isPull: first.pull, isGuarded: first.guarded, jobs, more: first.more };
}

export async function findQueueUid(sql: postgres.Sql, queue: QueueName): Promise<number | undefined> {
  const [row] = await sql<{ uid: string }[]>`
    select uid from queue where workspace_id = ${queue.workspaceId} and name = ${queue.name}`;
  return row && Number(row.uid);
}

export type Held = { id: string; lease: string };

export type HeldAttempt = Held & Attempts & { durationMs: number };

/** Those of the jobs that are really held by the lease they are named with. */
export async function readHeld(
  sql: postgres.Sql,
  queueUid: number,
  held: readonly Held[],
): Promise<HeldAttempt[]> {
  const rows = await sql`
    select j.id, j.lease, j.attempts_made, j.max_attempts, coalesce(j.backoff, q.backoff) as backoff,
      greatest(0, extract(epoch from rotor_now() - j.started_at) * 1000)::int as ms
    from ${heldRows(sql, held)} join job j on j.queue_uid = ${queueUid} and j.id = h.id and j.lease = h.lease
    join queue q on q.uid = j.queue_uid
    where j.state = 'active'`;
  return rows.map((row) => ({
    id: row.id,
    lease: row.lease,
    attempt: row.attempts_made,
    maxAttempts: row.max_attempts,
    backoff: row.backoff,
    durationMs: row.ms,
  }));
}

/** The ids whose lease lasts longer now. */
export async function extendLeases(
  sql: postgres.Sql,
  queueUid: number,
  held: readonly Held[],
  leaseMs: number,
): Promise<{ extended: string[]; until: Date }> {
  const rows = await sql<{ until: Date; id: string | null }[]>`
    with lasting as (select rotor_now() + ${leaseMs}::int * interval '1 millisecond' as until), renewed as (
      update job j set lease_until = (select until from lasting) from ${heldRows(sql, held)}
      where j.queue_uid = ${queueUid} and j.state = 'active' and j.id = h.id and j.lease = h.lease
      returning j.id
    )
    select until, id from lasting left join renewed on true`;
  return { extended: rows.flatMap(({ id }) => id ?? []), until: rows[0]?.until as Date };
}

/** How many jobs wait again, and the queues that waited for their keys. */
export async function handBack(
  sql: postgres.Sql,
  queueUid: number,
  leases: readonly string[],
): Promise<{ handedBack: number; woken: number[] }> {
  const [row] = await sql<{ handed_back: number; woken: string[] | null }[]>`
    select * from hand_back(${queueUid}, ${leases}::uuid[])`;
  return { handedBack: row?.handed_back ?? 0, woken: row?.woken?.map(Number) ?? [] };
}

/** Notes that for the next minutes somebody waits on the broker for this queue's work. */
export async function markAwaited(sql: postgres.Sql, queueUid: number, seconds: number): Promise<void> {
  await sql`update queue_load set awaited_until = rotor_now() + ${seconds}::int * interval '1 second'
    where queue_uid = ${queueUid}`;
}

/** Which of these queues have a job that is ready. */
export async function findReady(sql: postgres.Sql, queueUids: readonly number[]): Promise<number[]> {
  const rows = await sql<{ uid: string }[]>`
    select uid from unnest(${queueUids}::bigint[]) u (uid)
    where exists (select from job where queue_uid = u.uid and state = 'waiting' and not parked)`;
  return rows.map(({ uid }) => Number(uid));
}

function heldRows(sql: postgres.Sql, held: readonly Held[]) {
  return sql`unnest(${held.map(({ id }) => id)}::text[], ${held.map(({ lease }) => lease)}::uuid[]) as h (id, lease)`;
}
