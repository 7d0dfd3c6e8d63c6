// Many jobs of one queue at once. Each call is one statement with a bounded number of rows.

import { sql } from "drizzle-orm";
import type { Database } from "./database.ts";
import type { QueueRef } from "./jobs.ts";

/** Text of a Postgres array: drizzle would spread a list over as many parameters. */
export const textArray = (ids: readonly string[]) =>
  sql`array(select json_array_elements_text(${JSON.stringify(ids)}::text::json))`;

export async function drainJobs(
  db: Database,
  { uid }: QueueRef,
  state: "waiting" | "delayed",
  most: number,
): Promise<number> {
  const [row] = await db.execute<{ n: number }>(sql`select drain_jobs(${uid}, ${state}, ${most}) as n`);
  return row?.n ?? 0;
}

/** The first of those that a drain would delete. */
export async function sampleJobs(
  db: Database,
  { uid, workspaceId }: QueueRef,
  states: readonly string[],
): Promise<string[]> {
  const rows = await db.execute<{ id: string }>(sql`
    select found.id from unnest(${textArray(states)}) with ordinality s (state, n), lateral (
      select j.id, j.seq from job j
      where j.queue_uid = ${uid} and j.workspace_id = ${workspaceId} and j.state = s.state
      order by j.seq limit 5) found
    order by s.n, found.seq limit 5`);
  return rows.map(({ id }) => id);
}

export async function reopenJobs(db: Database, { uid }: QueueRef, ids: readonly string[]): Promise<number> {
  if (ids.length === 0) return 0;
  const [row] = await db.execute<{ n: number }>(sql`select reopen_jobs(${uid}, ${textArray(ids)}) as n`);
  return row?.n ?? 0;
}

/** One new job for each that was not replayed yet: the ids of both. */
export async function replayJobs(
  db: Database,
  { uid }: QueueRef,
  ids: readonly string[],
  provenance: object,
): Promise<{ id: string; replay: string }[]> {
  if (ids.length === 0) return [];
  return db.execute<{ id: string; replay: string }>(sql`
    select id, replay from replay_jobs(${uid}, ${textArray(ids)}, ${JSON.stringify(provenance)}::text::jsonb)`);
}

/** What became of the jobs somebody names. */
export async function findStates(
  db: Database,
  { uid, workspaceId }: QueueRef,
  ids: readonly string[],
): Promise<{ id: string; failed: boolean; replayed: boolean }[]> {
  return db.execute<{ id: string; failed: boolean; replayed: boolean }>(sql`
    select id, state = 'failed' and reason is distinct from 'rejected' as failed, replayed_as is not null as replayed from job
    where queue_uid = ${uid} and workspace_id = ${workspaceId} and id = any(${textArray(ids)})`);
}

/** True while a job of the queue has not come to an end. */
export async function hasOpenJobs(db: Database, { uid, workspaceId }: QueueRef): Promise<boolean> {
  const open = ["waiting", "delayed", "active", "pending_approval", "guardrail.blocked"];
  const [row] = await db.execute<{ found: boolean }>(sql`
    select exists (select from unnest(${textArray(open)}) s (state), lateral (
      select from job j where j.queue_uid = ${uid} and j.workspace_id = ${workspaceId} and j.state = s.state
      limit 1) one) as found`);
  return row?.found ?? false;
}
