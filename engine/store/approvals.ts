// Approvals of jobs. They are opened and closed by triggers of the job table; here they are read and decided.

import { approvalStatuses, type Contract, type JobState, type OutputOf } from "@rotorsh/contract";
import { sql } from "drizzle-orm";
import { type ApprovalStatus, type Asker, overdueReason, type ToDecide } from "../core/approval.ts";
import type { Database } from "./database.ts";
import { textArray } from "./job-bulk.ts";
import { decodeCursor, encodeCursor, type Page } from "./page.ts";

type Approval = OutputOf<Contract["approvals"]["get"]>;

type Row = {
  id: string;
  seq: string;
  queue_name: string;
  job_id: string;
  status: ApprovalStatus;
  because: string | null;
  asked_by: Record<string, unknown>;
  due_at: string | null;
  payload_hash: string | null;
  reason: string | null;
  decided_at: string | null;
  decided_by: Approval["decided_by"];
  created_at: string;
  job_state: JobState | null;
  payload: string | null;
  payload_bytes: number | null;
  live_hash: string | null;
  four_eyes: boolean | null;
};

/** Approvals with what their jobs and queues say now; of payloads, those up to so many bytes. */
const withJobs = (found: ReturnType<typeof sql>, largestPayload: number) => sql`
  select a.*, j.state as job_state, octet_length(coalesce(j.payload, '{}')) as payload_bytes, q.four_eyes,
    case when octet_length(j.payload) <= ${largestPayload} then j.payload end as payload,
    case when a.payload_hash is null then payload_hash(j.payload) end as live_hash
  from (${found}) a
  left join lateral (
    select state, coalesce(payload, '{}') as payload from job
    where queue_uid = a.queue_uid and id = a.job_id and workspace_id = a.workspace_id offset 0) j on true
  left join queue q on q.uid = a.queue_uid`;

const anyPayload = 2_147_483_647;
/** Of a page of 200 at most 3.2 MB. */
const largestListed = 16 * 1024;

export async function findApproval(
  db: Database,
  workspaceId: string,
  id: string,
): Promise<Approval | undefined> {
  return (await findApprovals(db, workspaceId, [id], anyPayload)).get(id);
}

export async function findApprovals(
  db: Database,
  workspaceId: string,
  ids: readonly string[],
  largestPayload = largestListed,
): Promise<Map<string, Approval>> {
  const found = sql`select * from approval where workspace_id = ${workspaceId} and id = any(${textArray(ids)})`;
  const rows = await db.execute<Row>(withJobs(found, largestPayload));
  return new Map(rows.map((row) => [row.id, toApproval(row)]));
}

export type ApprovalFilter = Page & { status?: ApprovalStatus | undefined; queue?: string | undefined };

export async function listApprovals(db: Database, workspaceId: string, filter: ApprovalFilter) {
  const { limit, status, queue } = filter;
  const before = decodeCursor(filter.cursor, ["number"])?.[0];
  // The newest of each status, each read from its own stretch of one index. What is left pending of a queue that was
  // deleted waits only to be removed.
  const parts = (status ? [status] : approvalStatuses).map(
    (one) => sql`(select a.* from approval a where a.workspace_id = ${workspaceId} and a.status = ${one}
      ${queue === undefined ? sql`` : sql`and a.queue_name = ${queue}`}
      ${one === "pending" ? sql`and exists (select from queue where uid = a.queue_uid)` : sql``}
      ${before === undefined ? sql`` : sql`and a.seq < ${before}`} order by a.seq desc limit ${limit + 1})`,
  );
  const found = sql`select * from (${sql.join(parts, sql` union all `)}) one order by seq desc limit ${limit + 1}`;
  const rows = await db.execute<Row>(sql`${withJobs(found, largestListed)} order by a.seq desc`);
  const kept = rows.slice(0, limit);
  const last = rows.length > limit ? kept.at(-1) : undefined;
  return { approvals: kept.map(toApproval), nextCursor: last ? encodeCursor([Number(last.seq)]) : null };
}

/**
 * Locks the jobs, and then reads what the decisions are about: whoever was first has decided by then. In one order,
 * so that two who decide many never wait for each other.
 */
export async function lockForDecision(
  db: Database,
  workspaceId: string,
  ids: readonly string[],
): Promise<Map<string, ToDecide>> {
  const named = sql`select * from approval where workspace_id = ${workspaceId} and id = any(${textArray(ids)})`;
  await db.execute(sql`
    select 1 from (${named} order by queue_uid, job_id) a, lateral (
      select 1 from job where queue_uid = a.queue_uid and id = a.job_id and workspace_id = a.workspace_id
      for update) locked`);
  const rows = await db.execute<{
    id: string;
    job_id: string;
    queue_name: string;
    status: ApprovalStatus;
    due_at: string | null;
    four_eyes: boolean | null;
    asked_by: Asker[];
    payload_hash: string | null;
  }>(sql`
    select a.id, a.job_id, a.queue_name, case when q.uid is null and a.status = 'pending' then 'cancelled' else a.status end as status, a.due_at,
      q.four_eyes, payload_hash(j.payload) as payload_hash,
      (select json_agg(json_build_object('keyId', key, 'memberId', k.member_id))
        from (values (a.asked_by->>'key_id'), (a.asked_by->>'author_key_id')) v (key) left join api_key k on k.id = key) as asked_by
    from (${named}) a left join queue q on q.uid = a.queue_uid
    left join lateral (
      select coalesce(payload, '{}') as payload from job
      where queue_uid = a.queue_uid and id = a.job_id and workspace_id = a.workspace_id offset 0) j on true`);
  return new Map(
    rows.map((row) => [
      row.id,
      {
        jobId: row.job_id,
        queueName: row.queue_name,
        status: row.status,
        dueAt: row.due_at === null ? null : new Date(row.due_at),
        fourEyes: row.four_eyes ?? false,
        askedBy: row.asked_by,
        payloadHash: row.payload_hash,
      },
    ]),
  );
}

export type Settled = {
  id: string;
  status: "approved" | "rejected";
  reason: string | null;
  fail_reason: string | null;
};

export type DecidedBy = NonNullable<Approval["decided_by"]>;

/** Carries out decisions about jobs that are locked; answers the queues whose jobs go on, or have ended. */
export async function decideApprovals(
  db: Database,
  settled: readonly Settled[],
  by: DecidedBy,
): Promise<number[]> {
  if (settled.length === 0) return [];
  const rows = await db.execute<{ queue_uid: string }>(sql`
    select distinct queue_uid from decide_approvals(${JSON.stringify(settled)}::text::json,
      ${JSON.stringify(by)}::text::jsonb)`);
  return rows.map(({ queue_uid: uid }) => Number(uid));
}

const bySystem: DecidedBy = { key_id: "system", member_email: null, surface: "system", client: null };

/** Rejects approvals whose time has passed; answers how many. Those that somebody decides just now are left to them. */
export async function rejectOverdue(db: Database, most: number): Promise<number> {
  const rows = await db.execute<{ id: string }>(sql`
    select a.id from (
      select * from approval where status = 'pending' and due_at <= (select rotor_now()) order by due_at limit ${most}) a,
    lateral (
      select 1 from job where queue_uid = a.queue_uid and id = a.job_id and state = 'pending_approval'
      for update skip locked) locked`);
  const decision = { status: "rejected", reason: null, fail_reason: overdueReason } as const;
  await decideApprovals(
    db,
    rows.map(({ id }) => ({ id, ...decision })),
    bySystem,
  );
  return rows.length;
}

/** The approval that a job waits for, or that was last decided about it. */
export async function findApprovalOf(
  db: Database,
  { uid, workspaceId }: { uid: number; workspaceId: string },
  jobId: string,
): Promise<{ id: string; due_at: string | null; decided_by: DecidedBy | null } | undefined> {
  const [row] = await db.execute<{ id: string; due_at: string | null; decided_by: DecidedBy | null }>(sql`
    select id, due_at, decided_by from approval
    where queue_uid = ${uid} and workspace_id = ${workspaceId} and job_id = ${jobId} order by seq desc limit 1`);
  return row;
}

function toApproval(row: Row): Approval {
  return {
    id: row.id,
    status: row.status,
    jobId: row.job_id,
    queueName: row.queue_name,
    payload: row.payload === null ? null : JSON.parse(row.payload),
    payload_hash: row.payload_hash ?? row.live_hash,
    payload_bytes: row.payload_bytes ?? 0,
    payload_omitted: row.payload === null,
    job_state: row.job_state,
    because: row.because,
    four_eyes: row.four_eyes ?? false,
    requested_by: row.asked_by,
    expires_at: row.status === "pending" ? iso(row.due_at) : null,
    decided_by: row.decided_by,
    reason: row.reason,
    decided_at: iso(row.decided_at),
    createdAt: new Date(row.created_at).toISOString(),
  };
}

function iso(time: string | null): string | null {
  return time === null ? null : new Date(time).toISOString();
}
