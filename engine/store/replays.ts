// Replays that go in steps. A row is a replay's whole state, so any process may take the next step at any time.

import type { Contract, OutputOf } from "@rotorsh/contract";
import { type SQL, sql } from "drizzle-orm";
import { type Canary, errorRate } from "../core/canary.ts";
import { must } from "../must.ts";
import type { Database } from "./database.ts";
import type { FailedFilter } from "./failed-jobs.ts";
import type { QueueRef } from "./jobs.ts";

export type ReplayRow = {
  id: string;
  workspace_id: string;
  queue_uid: string;
  queue_name: string;
  filter: FailedFilter;
  state: "running" | "completed" | "stopped";
  stopped_because: "error_rate" | "asked" | "queue_deleted" | null;
  stage: 0 | 1 | 2;
  total: number;
  up_to_seq: string;
  after_seq: string;
  walked: boolean;
  sent: number;
  completed: number;
  failed: number;
  gone: number;
  max_error_rate: number;
  provenance: Record<string, unknown>;
  created_at: string;
  ended_at: string | null;
};

export type NewReplay = {
  id: string;
  filter: FailedFilter;
  total: number;
  upToSeq: number;
  maxErrorRate: number;
  provenance: object;
};

export async function insertReplay(db: Database, queue: QueueRef, made: NewReplay): Promise<ReplayRow> {
  const [row] = await db.execute<ReplayRow>(sql`
    insert into replay (id, workspace_id, queue_uid, queue_name, filter, state, total, up_to_seq, max_error_rate,
      provenance, looked_at, created_at)
    values (${made.id}, ${queue.workspaceId}, ${queue.uid}, ${queue.name}, ${JSON.stringify(made.filter)}::text::jsonb,
      'running', ${made.total}, ${made.upToSeq}, ${made.maxErrorRate}, ${JSON.stringify(made.provenance)}::text::jsonb,
      '-infinity', rotor_now())
    returning *`);
  return must(row, "the new replay");
}

const at = ({ uid, workspaceId }: QueueRef, id: string) =>
  sql`queue_uid = ${uid} and workspace_id = ${workspaceId} and id = ${id}`;

export async function findReplay(db: Database, queue: QueueRef, id: string): Promise<ReplayRow | undefined> {
  return (await db.execute<ReplayRow>(sql`select * from replay where ${at(queue, id)}`))[0];
}

/** Undefined when it is not running. */
export async function stopReplay(db: Database, queue: QueueRef, id: string): Promise<ReplayRow | undefined> {
  const [row] = await db.execute<ReplayRow>(sql`
    update replay set state = 'stopped', stopped_because = 'asked', ended_at = rotor_now()
    where ${at(queue, id)} and state = 'running' returning *`);
  return row;
}

/** A running replay that nobody looked at for so long, locked; across workspaces. */
export async function lockRunning(db: Database, restMs: number): Promise<ReplayRow | undefined> {
  const [row] = await db.execute<ReplayRow>(sql`
    update replay r set looked_at = rotor_now() from (
      select id from replay where state = 'running'
        and looked_at <= rotor_now() - ${restMs}::int * interval '1 millisecond'
      order by looked_at limit 1 for update skip locked) next
    where r.id = next.id returning r.*`);
  return row;
}

/** Looks how the replay's jobs ended since; adds them to its counts. */
export async function settleReplay(db: Database, replay: ReplayRow): Promise<ReplayRow> {
  const [row] = await db.execute<ReplayRow>(sql`
    with open as (
      select r.job_id, j.state from replay_job r
      left join job j on j.queue_uid = ${replay.queue_uid} and j.id = r.job_id
      where r.replay_id = ${replay.id} and not r.ended
    ), ended as (
      update replay_job r set ended = true from open o
      where r.replay_id = ${replay.id} and r.job_id = o.job_id
        and (o.state is null or o.state in ('completed', 'failed', 'cancelled'))
      returning o.state
    ), sums as (
      select count(*) filter (where state = 'completed') as completed, count(*) filter (where state = 'failed') as failed,
        count(*) filter (where state is null or state = 'cancelled') as gone from ended
    )
    update replay r set completed = r.completed + s.completed, failed = r.failed + s.failed, gone = r.gone + s.gone
    from sums s where r.id = ${replay.id} returning r.*`);
  return must(row, "the replay");
}

export async function noteSent(
  db: Database,
  replay: ReplayRow,
  sent: { stage: number; afterSeq: number; walked: boolean; ids: readonly string[] },
): Promise<void> {
  await db.execute(sql`
    with listed as (
      insert into replay_job (replay_id, workspace_id, job_id)
      select ${replay.id}, ${replay.workspace_id}, json_array_elements_text(${JSON.stringify(sent.ids)}::text::json)
      on conflict do nothing returning 1
    )
    update replay set stage = ${sent.stage}, after_seq = ${sent.afterSeq}, walked = ${sent.walked},
      sent = sent + (select count(*) from listed)
    where id = ${replay.id}`);
}

export async function endReplay(
  db: Database,
  id: string,
  state: "completed" | "stopped",
  because: ReplayRow["stopped_because"] = null,
): Promise<void> {
  const reason: SQL = because === null ? sql`null` : sql`${because}`;
  await db.execute(sql`
    update replay set state = ${state}, stopped_because = ${reason}, ended_at = rotor_now() where id = ${id}`);
}

export function toCanary(row: ReplayRow): Canary {
  const { stage, total, walked, sent, completed, failed, gone, max_error_rate: maxErrorRate } = row;
  return { stage, total, walked, sent, completed, failed, gone, maxErrorRate };
}

const stages = ["1%", "10%", "all"] as const;

export function toReplay(row: ReplayRow): OutputOf<Contract["dlq"]["getReplay"]> {
  const { id, state, total, sent, completed, failed, max_error_rate } = row;
  return {
    id,
    queue: row.queue_name,
    state,
    stopped_because: row.stopped_because,
    stage: stages[row.stage],
    total,
    sent,
    completed,
    failed,
    error_rate: errorRate(row),
    max_error_rate,
    created_at: new Date(row.created_at).toISOString(),
    ended_at: row.ended_at === null ? null : new Date(row.ended_at).toISOString(),
  };
}
