// The jobs of a queue in the order they came, looked at in windows: whatever a filter asks for, no statement reads
// more rows than it was told, and a cursor says how far it came.

import { type JobState, jobStates } from "@rotorsh/contract";
import { type SQL, sql } from "drizzle-orm";
import type { Database } from "./database.ts";
import type { QueueRef } from "./jobs.ts";

/** A page of a filtered list looks at no more rows than this, so that no filter makes it slow. */
export const mostLookedAt = 20_000;

export type Line = { state?: JobState | undefined; tag?: string | undefined };

export type Window = {
  /** Rows looked at. */
  most: number;
  after?: number | undefined;
  before?: number | undefined;
  upTo?: number | undefined;
  newestFirst?: boolean;
};

/** The next jobs with this tag, or in this state, or all; with a tag the state is for the caller to compare. */
export function windowOf(queue: QueueRef, line: Line, window: Window): SQL {
  return line.tag === undefined ? byState(queue, line.state, window) : byTag(queue, line.tag, window);
}

/** Each state is read from its own stretch of one index; the stretches are merged as far as somebody reads on. */
function byState({ uid, workspaceId }: QueueRef, state: JobState | undefined, window: Window): SQL {
  const part = (one: JobState) => sql`(
    select j.* from job j where j.queue_uid = ${uid} and j.workspace_id = ${workspaceId} and j.state = ${one}
      and ${within(window)} ${inOrder(window)})`;
  if (state) return part(state);
  return sql`(select j.* from (${sql.join(jobStates.map(part), sql` union all `)}) j ${inOrder(window)})`;
}

/** One by one in the order of the tag's own index: `offset 0` keeps the planner from reading the queue instead. */
function byTag({ uid, workspaceId }: QueueRef, tag: string, window: Window): SQL {
  return sql`(
    select tagged.* from (
      select j.job_id, j.seq from job_tag j
      where j.queue_uid = ${uid} and j.workspace_id = ${workspaceId} and j.tag = ${tag} and ${within(window)}
      ${inOrder(window)}) t
    join lateral (select j.* from job j where j.queue_uid = ${uid} and j.id = t.job_id offset 0) tagged
    on tagged.seq = t.seq)`;
}

function within({ after, before, upTo }: Window): SQL {
  const parts = [
    after === undefined ? undefined : sql`j.seq > ${after}`,
    before === undefined ? undefined : sql`j.seq < ${before}`,
    upTo === undefined ? undefined : sql`j.seq <= ${upTo}`,
  ].filter((part) => part !== undefined);
  return parts.length > 0 ? sql.join(parts, sql` and `) : sql`true`;
}

function inOrder({ newestFirst, most }: Window): SQL {
  return newestFirst ? sql`order by j.seq desc limit ${most}` : sql`order by j.seq limit ${most}`;
}

/** The last row of a window read newest first; null when the window was not full, so that nothing lies behind it. */
export async function endOf(
  db: Database,
  queue: QueueRef,
  line: Line,
  window: Window,
): Promise<{ seq: number; createdAt: Date } | null> {
  const [row] = await db.execute<{ seq: string; created_at: string }>(sql`
    select seq, created_at from ${windowOf(queue, line, window)} w
    order by seq desc offset ${window.most - 1} limit 1`);
  return row ? { seq: Number(row.seq), createdAt: new Date(row.created_at) } : null;
}
