// Jobs that guardrails hold back, stop, or let go. Taking them in is told in job-intake.ts.

import type { GuardStage } from "@rotorsh/contract";
import { sql as query } from "drizzle-orm";
import type postgres from "postgres";
import { type GuardNote, lists, reasonCode } from "../core/guardrail/verdict.ts";
import type { Database } from "./database.ts";
import type { JobRow, QueueRef } from "./jobs.ts";

export type HeldJob = {
  queueUid: number;
  queueName: string;
  id: string;
  workspaceId: string;
  payload: string;
  contacts: string[];
  note: GuardNote;
  approvalRequired: boolean;
  /** The token of the lease. */
  due: string;
};

/** Jobs that nobody looks at now; whoever claims them does, until the lease is over. */
export async function claimScreening(sql: postgres.Sql, most: number, leaseMs: number): Promise<HeldJob[]> {
  const rows = await sql`select * from claim_screening(${most}, ${leaseMs})`;
  return rows.map((row) => ({
    queueUid: Number(row.queue_uid),
    queueName: row.queue_name,
    id: row.id,
    workspaceId: row.workspace_id,
    payload: row.payload ?? "{}",
    contacts: row.contacts ?? [],
    note: row.guard ?? {},
    approvalRequired: row.approval_required,
    due: row.due,
  }));
}

export type ScreeningEnd = {
  outcome: "passed" | "approval" | "blocked";
  /** Null where it stays as it was. */
  payload: string | null;
  contacts: readonly string[];
  reason: string | null;
  failReason: string | null;
  note: GuardNote;
};

/** Answers the queues that got work. */
export async function endScreening(
  sql: postgres.Sql,
  { queueUid, id, due }: HeldJob,
  end: ScreeningEnd,
): Promise<number[]> {
  const ends = JSON.stringify([
    {
      queue_uid: queueUid,
      id,
      due,
      outcome: end.outcome,
      payload: end.payload,
      contacts: end.contacts,
      reason: end.reason,
      fail_reason: end.failReason,
      guard: end.note,
    },
  ]);
  const [row] = await sql<{ woken: string[] }[]>`select end_screening(${ends}::text::json) as woken`;
  return row?.woken.map(Number) ?? [];
}

const reasons = JSON.stringify(
  lists.map(({ kind, stage, reason }, rank) => ({
    kind,
    stage,
    rank,
    reason: reasonCode(stage),
    fail_reason: reason,
  })),
);

export type Sent = { id: string; contacts: readonly string[] };

/** Of the jobs that one lease holds, those that may not be sent: on a list by now, or not what was approved. */
export async function stopClaimed(
  sql: postgres.Sql,
  queueUid: number,
  lease: string,
  sent: readonly Sent[],
): Promise<{ stopped: Set<string>; woken: number[] }> {
  const [row] = await sql<{ stopped: string[]; woken: string[] | null }[]>`
    select * from stop_claimed(${queueUid}, ${lease}::uuid, ${JSON.stringify(sent)}::text::json, ${reasons}::text::json)`;
  return { stopped: new Set(row?.stopped), woken: row?.woken?.map(Number) ?? [] };
}

/** Lets a locked, blocked job go on past the stage that stopped it; the other stages look at it again. */
export async function releaseJob(
  db: Database,
  { uid, workspaceId }: QueueRef,
  job: JobRow,
  stage: GuardStage | null,
): Promise<void> {
  const released = [...new Set([...(job.guard?.released ?? []), ...(stage ? [stage] : [])])];
  const note = JSON.stringify({ ...job.guard, released });
  await db.execute(query`
    with gone as (
      update job set state = case when due_at > rotor_now() then 'delayed' else 'waiting' end, parked = true,
        screen_due = rotor_now(), ended_at = null, reason = null, fail_reason = null, guard = ${note}::text::jsonb
      where queue_uid = ${uid} and workspace_id = ${workspaceId} and id = ${job.id} returning state
    )
    insert into queue_flow (queue_uid, workspace_id, at, guardrail_blocked, waiting, delayed)
    select ${uid}, ${workspaceId}, rotor_now(), -1, (state = 'waiting')::int, (state = 'delayed')::int from gone`);
}
