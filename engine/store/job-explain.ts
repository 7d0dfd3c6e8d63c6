// What explaining a job needs to know beside the job. Read by the engine's role: who holds a key and how far a rate
// limit is used are in tables that a workspace does not see.

import { sql } from "drizzle-orm";
import type { Facts } from "../core/job-explain.ts";
import { must } from "../must.ts";
import { findApprovalOf } from "./approvals.ts";
import type { Database } from "./database.ts";
import type { JobRow, QueueRef } from "./jobs.ts";

type Row = {
  paused: boolean;
  pull: boolean;
  concurrency: number;
  active: number;
  suspended: boolean;
  four_eyes: boolean;
  rate_opens_at: string | null;
  holder_id: string | null;
  holder_queue: string | null;
  ahead: number;
};

export type ExplainedJob = JobRow & { lease_until: string | null; screen_due: string | null };

export async function readFacts(
  db: Database,
  { uid, workspaceId, name }: QueueRef,
  job: ExplainedJob,
  now: Date,
  mostAhead: number,
): Promise<Facts> {
  const [row] = await db.execute<Row>(sql`
    select q.paused_at is not null as paused, q.callback_url is null as pull, q.concurrency,
      w.suspended_at is not null as suspended, q.four_eyes,
      (select count(*)::int from job a where a.queue_uid = ${uid} and a.state = 'active') as active,
      case when jsonb_typeof(q.rate_limit) = 'object' and l.window_used >= (q.rate_limit->>'max')::int
        and l.window_started_at + (q.rate_limit->>'period_seconds')::int * interval '1 second' > rotor_now()
        then l.window_started_at + (q.rate_limit->>'period_seconds')::int * interval '1 second' end as rate_opens_at,
      k.job_id as holder_id, h.name as holder_queue,
      (select count(*)::int from (
         select 1 from job a where a.queue_uid = ${uid} and a.state = 'waiting' and not a.parked
           and (a.priority, a.seq) < (${job.priority}::int, ${job.seq}::bigint)
         order by a.priority, a.seq limit ${mostAhead}) first) as ahead
    from queue q join workspace w on w.id = q.workspace_id left join queue_load l on l.queue_uid = q.uid
    left join job_key k on k.workspace_id = ${workspaceId} and k.key = ${job.concurrency_key}
      and (k.queue_uid, k.job_id) <> (${uid}::bigint, ${job.id}::text)
    left join queue h on h.uid = k.queue_uid and h.workspace_id = ${workspaceId}
    where q.uid = ${uid} and q.workspace_id = ${workspaceId}`);
  const found = must(row, "the queue of a job");
  const { paused, pull, concurrency, active, suspended, ahead, four_eyes: fourEyes } = found;
  return {
    now,
    job: {
      id: job.id,
      state: job.state,
      attemptsMade: job.attempts_made,
      maxAttempts: job.max_attempts,
      dueAt: time(job.due_at),
      leaseUntil: time(job.lease_until),
      reason: job.reason,
      failReason: job.fail_reason,
      screening: job.screen_due !== null,
      replayedAs: job.replayed_as,
    },
    queue: { name, paused, pull, concurrency, active, fourEyes },
    approval: await readApproval(db, { uid, workspaceId, name }, job),
    rateOpensAt: time(found.rate_opens_at),
    holder: found.holder_id && found.holder_queue ? { id: found.holder_id, queue: found.holder_queue } : null,
    ahead,
    suspended,
  };
}

async function readApproval(db: Database, queue: QueueRef, { id }: ExplainedJob): Promise<Facts["approval"]> {
  const approval = await findApprovalOf(db, queue, id);
  if (!approval) return null;
  const { due_at: dueAt, decided_by: decidedBy } = approval;
  return { id: approval.id, dueAt: time(dueAt), overdue: decidedBy?.key_id === "system" };
}

function time(text: string | null): Date | null {
  return text === null ? null : new Date(text);
}
