// Reading and moving single jobs. Taking them in, claiming and ending them live in job-intake.ts and job-work.ts.

import type { Contract, JobState, OutputOf } from "@rotorsh/contract";
import { type SQL, sql } from "drizzle-orm";
import { blockedBy, type GuardNote } from "../core/guardrail/verdict.ts";
import { must } from "../must.ts";
import type { Database } from "./database.ts";
import { endOf, mostLookedAt, type Window, windowOf } from "./job-window.ts";
import { decodeCursor, encodeCursor, type Page } from "./page.ts";

export type QueueRef = { uid: number; workspaceId: string; name: string };

export async function findQueueRef(
  db: Database,
  workspaceId: string,
  name: string,
): Promise<QueueRef | undefined> {
  const [row] = await db.execute<{ uid: string }>(
    sql`select uid from queue where workspace_id = ${workspaceId} and name = ${name}`,
  );
  return row && { uid: Number(row.uid), workspaceId, name };
}

/** A job as it is stored; times are Postgres text. */
export type JobRow = {
  id: string;
  seq: string;
  generation: number;
  state: JobState;
  priority: number;
  due_at: string | null;
  payload: string | null;
  tags: string[] | null;
  concurrency_key: string | null;
  attempts_made: number;
  max_attempts: number;
  result: string | null;
  reason: string | null;
  fail_reason: string | null;
  replayed_as: string | null;
  approval_id: string | null;
  guard: GuardNote | null;
  provenance: Record<string, unknown>;
  created_at: string;
  started_at: string | null;
  ended_at: string | null;
};

/** Everything of a row but what can be large. */
export const listed = sql`id, seq, generation, state, priority, due_at, tags, concurrency_key, attempts_made, max_attempts,
  reason, fail_reason, replayed_as, created_at, started_at, ended_at`;

const at = ({ uid, workspaceId }: QueueRef, id: string) =>
  sql`queue_uid = ${uid} and workspace_id = ${workspaceId} and id = ${id}`;

export async function findJob(db: Database, queue: QueueRef, id: string): Promise<JobRow | undefined> {
  const [row] = await db.execute<JobRow>(sql`select * from job where ${at(queue, id)}`);
  return row;
}

/** The job, locked until the transaction ends. */
export async function lockJob(db: Database, queue: QueueRef, id: string): Promise<JobRow | undefined> {
  const [row] = await db.execute<JobRow>(sql`select * from job where ${at(queue, id)} for update`);
  return row;
}

/** The newest so many attempts, oldest first: a job may be retried for ever, and each holds up to 64 KB. */
export async function listAttempts(db: Database, { uid, workspaceId }: QueueRef, id: string, most: number) {
  const rows = await db.execute<{
    generation: number;
    attempt: number;
    started_at: string;
    duration_ms: number;
    status: number | null;
    response: string | null;
    error: string | null;
  }>(sql`
    select generation, attempt, started_at, duration_ms, status, response, error from job_attempt
    where queue_uid = ${uid} and workspace_id = ${workspaceId} and job_id = ${id}
    order by generation desc, attempt desc limit ${most}`);
  return rows.reverse().map((row) => ({ ...row, started_at: iso(row.started_at) }));
}

export type JobMove = {
  state: JobState;
  generation?: number;
  attemptsMade?: number;
  endedAt?: Date | null;
  reason?: string | null;
  failReason?: string | null;
};

/** Puts a locked job into another state, outside of any attempt, and keeps the queue's numbers right. */
export async function moveJob(db: Database, queue: QueueRef, job: JobRow, move: JobMove): Promise<JobRow> {
  const { generation = job.generation, attemptsMade = job.attempts_made, endedAt = null } = move;
  const { reason = null, failReason = null } = move;
  const [row] = await db.execute<JobRow>(sql`
    update job set state = ${move.state}, parked = false, screen_due = null, due_at = null, generation = ${generation},
      attempts_made = ${attemptsMade}, reason = ${reason}, fail_reason = ${failReason},
      fingerprint = null, result = null, ended_at = ${endedAt?.toISOString() ?? null}
    where ${at(queue, job.id)} returning *`);
  await db.execute(sql`
    insert into queue_flow (queue_uid, workspace_id, at, ${column(job.state)}, ${column(move.state)})
    values (${queue.uid}, ${queue.workspaceId}, rotor_now(), -1, 1)`);
  // It may have been the one that its key's next holder was chosen to be.
  if (job.concurrency_key !== null) {
    await db.execute(sql`select unpark(${queue.workspaceId}, array[${job.concurrency_key}])`);
  }
  return must(row, "the moved job");
}

/** The column of queue_flow that counts a state. */
function column(state: JobState): SQL {
  return sql.raw(state === "guardrail.blocked" ? "guardrail_blocked" : state);
}

export type JobFilter = Page & {
  state?: JobState | undefined;
  tag?: string | undefined;
  from?: string | undefined;
  to?: string | undefined;
  text?: string | undefined;
};

export async function listJobs(db: Database, queue: QueueRef, filter: JobFilter) {
  const before = decodeCursor(filter.cursor, ["number"])?.[0];
  const conditions = conditionsOf(filter);
  const most = conditions.length > 0 ? mostLookedAt : filter.limit + 1;
  const window = { most, before, newestFirst: true };
  const rows = await db.execute<JobRow>(sql`
    select ${listed} from ${windowOf(queue, filter, window)} j
    where ${sql.join([sql`true`, ...conditions], sql` and `)} order by seq desc limit ${filter.limit + 1}`);
  const kept = rows.slice(0, filter.limit);
  const last =
    rows.length > filter.limit
      ? Number(kept.at(-1)?.seq)
      : conditions.length > 0 && (await endOfSearch(db, queue, filter, window));
  return {
    data: kept.map((row) => toJob(queue, row)),
    nextCursor: last ? encodeCursor([last]) : null,
  };
}

/** Jobs lie by when they were made, but for those that were made within the same moments. */
const disorderMs = 600_000;

/** Where the search goes on; undefined when nothing behind it can fit. */
async function endOfSearch(db: Database, queue: QueueRef, filter: JobFilter, window: Window) {
  const end = await endOf(db, queue, filter, window);
  const from = filter.from === undefined ? undefined : Date.parse(filter.from) - disorderMs;
  return end && (from === undefined || end.createdAt.getTime() >= from) ? end.seq : undefined;
}

/** What has to be compared row by row. */
function conditionsOf({ state, tag, from, to, text }: JobFilter): SQL[] {
  return [
    tag !== undefined && state !== undefined ? sql`j.state = ${state}` : undefined,
    from === undefined ? undefined : sql`j.created_at >= ${from}::timestamptz`,
    to === undefined ? undefined : sql`j.created_at < ${to}::timestamptz`,
    text === undefined ? undefined : contains(text),
  ].filter((condition) => condition !== undefined);
}

function contains(text: string): SQL {
  const pattern = `%${text.replaceAll(/[\\%_]/g, "\\$&")}%`;
  return sql`(j.id ilike ${pattern} or j.fail_reason ilike ${pattern} or array_to_string(j.tags, ' ') ilike ${pattern})`;
}

export function toJob(queue: QueueRef, row: JobRow): OutputOf<Contract["jobs"]["retry"]> {
  return {
    id: row.id,
    queue: queue.name,
    state: row.state,
    priority: row.priority,
    tags: row.tags ?? [],
    concurrencyKey: row.concurrency_key,
    generation: row.generation,
    attempts_made: row.attempts_made,
    max_attempts: row.max_attempts,
    due_at: isoOrNull(row.due_at),
    reason: row.reason,
    fail_reason: row.fail_reason,
    blockedBy: blockedBy(row.state, row.reason),
    replayed_as: row.replayed_as,
    created_at: iso(row.created_at),
    started_at: isoOrNull(row.started_at),
    ended_at: isoOrNull(row.ended_at),
  };
}

type Detail = OutputOf<Contract["jobs"]["get"]>;

export function toJobDetail(queue: QueueRef, row: JobRow, attempts: Detail["attempts"]): Detail {
  return {
    ...toJob(queue, row),
    payload: JSON.parse(row.payload ?? "{}"),
    result: row.result === null ? null : JSON.parse(row.result),
    approval_id: row.approval_id,
    guardrail: row.guard,
    attempts,
    enqueued_by: row.provenance,
  };
}

function iso(time: string): string {
  return new Date(time).toISOString();
}

function isoOrNull(time: string | null): string | null {
  return time === null ? null : iso(time);
}
