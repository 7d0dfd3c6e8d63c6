// A queue's failed jobs.

import { type SQL, sql } from "drizzle-orm";
import type { Database } from "./database.ts";
import { endOf, type Line, mostLookedAt, type Window, windowOf } from "./job-window.ts";
import { type JobRow, listed, type QueueRef, toJob } from "./jobs.ts";
import { decodeCursor, encodeCursor, type Page } from "./page.ts";

export type FailedFilter = {
  tag?: string | undefined;
  reason?: string | undefined;
  fingerprint?: string | undefined;
  from?: string | undefined;
  to?: string | undefined;
};

type FailedRow = JobRow & { fingerprint: string | null };

/** The next rows of a line; `fits` says which of them are failed jobs that the filter means. */
function looked(queue: QueueRef, filter: FailedFilter, window: FailedWindow): SQL {
  return sql`(select j.*, (${fits(filter, window)}) as fits from ${windowOf(queue, lineOf(filter), window)} j)`;
}

type FailedWindow = Window & {
  includeReplayed?: boolean;
  /** Only those that may be done again: what a person rejected may not. */
  again?: boolean;
};

const lineOf = ({ tag }: FailedFilter): Line => ({ tag, state: "failed" });

function fits(
  { tag, reason, fingerprint, from, to }: FailedFilter,
  { includeReplayed, again }: FailedWindow,
): SQL {
  const parts = [
    tag === undefined ? undefined : sql`j.state = 'failed'`,
    includeReplayed ? undefined : sql`j.replayed_as is null`,
    again ? sql`j.reason is distinct from 'rejected'` : undefined,
    reason === undefined ? undefined : sql`j.reason is not distinct from ${reason}`,
    fingerprint === undefined ? undefined : sql`j.fingerprint is not distinct from ${fingerprint}`,
    from === undefined ? undefined : sql`j.ended_at >= ${from}::timestamptz`,
    to === undefined ? undefined : sql`j.ended_at < ${to}::timestamptz`,
  ].filter((part) => part !== undefined);
  return parts.length > 0 ? sql.join(parts, sql` and `) : sql`true`;
}

/** The next failed jobs, oldest first; those that fit are to be done again. */
export async function walkFailed(
  db: Database,
  queue: QueueRef,
  filter: FailedFilter,
  window: Window,
): Promise<{ id: string; seq: string; fits: boolean }[]> {
  return db.execute<{ id: string; seq: string; fits: boolean }>(sql`
    select id, seq, fits from ${looked(queue, filter, { ...window, again: true })} w order by seq`);
}

export type FailedPage = FailedFilter & Page & { include_replayed: boolean };

export async function listFailed(db: Database, queue: QueueRef, filter: FailedPage) {
  const before = decodeCursor(filter.cursor, ["number"])?.[0];
  const { limit, include_replayed: includeReplayed } = filter;
  const window = { most: mostLookedAt, before, newestFirst: true, includeReplayed };
  const rows = await db.execute<FailedRow>(sql`
    select ${listed}, fingerprint from ${looked(queue, filter, window)} w where fits order by seq desc limit ${limit + 1}`);
  const kept = rows.slice(0, limit);
  const last =
    rows.length > limit ? Number(kept.at(-1)?.seq) : (await endOf(db, queue, lineOf(filter), window))?.seq;
  return {
    data: kept.map((row) => ({ ...toJob(queue, row), fingerprint: row.fingerprint })),
    nextCursor: last === undefined ? null : encodeCursor([last]),
  };
}

export type FailedCount = { matching: number; lookedAt: number; lastSeq: number; sample: string[] };

/** How many of the next so many failed jobs could be done again, and the ids of the first of them. */
export async function countFailed(
  db: Database,
  queue: QueueRef,
  filter: FailedFilter,
  window: Window,
): Promise<FailedCount> {
  const seen = looked(queue, filter, { ...window, again: true });
  const [row] = await db.execute<{ matching: number; looked: number; last: string | null }>(sql`
    select count(*) filter (where fits)::int as matching, count(*)::int as looked, max(seq) as last
    from ${seen} w`);
  const first = await db.execute<{ id: string }>(sql`
    select id from ${seen} w where fits order by seq limit 5`);
  return {
    matching: row?.matching ?? 0,
    lookedAt: row?.looked ?? 0,
    lastSeq: Number(row?.last ?? 0),
    sample: first.map(({ id }) => id),
  };
}

export async function newestSeq(db: Database, { uid, workspaceId }: QueueRef): Promise<number> {
  const [row] = await db.execute<{ seq: string }>(sql`
    select seq from job where queue_uid = ${uid} and workspace_id = ${workspaceId} and state = 'failed'
    order by seq desc limit 1`);
  return Number(row?.seq ?? 0);
}

const mostCounted = 10_000;

/** Failed jobs behind a place in the line, counted as far as is cheap. */
export async function countBehind(
  db: Database,
  { uid, workspaceId }: QueueRef,
  seq: number,
): Promise<number> {
  const [row] = await db.execute<{ behind: number }>(sql`
    select count(*)::int as behind from (
      select 1 from job where queue_uid = ${uid} and workspace_id = ${workspaceId} and state = 'failed'
        and seq > ${seq} order by seq limit ${mostCounted}) b`);
  return row?.behind ?? 0;
}

export type FailureGroupRow = {
  fingerprint: string | null;
  reason: string | null;
  fail_reason: string | null;
  count: number;
  example_job_id: string;
  first_seen: string;
  last_seen: string;
};

/** What went wrong, among the newest failed jobs. */
export async function groupFailures(db: Database, queue: QueueRef, limit: number, most: number) {
  const rows = await db.execute<FailureGroupRow & { looked: string }>(sql`
    with newest as materialized (
      select id, reason, fail_reason, fingerprint, ended_at, fits
      from ${looked(queue, {}, { most, newestFirst: true })} w
    ), grouped as (
      select fingerprint, (array_agg(reason order by ended_at desc))[1] as reason,
        (array_agg(fail_reason order by ended_at desc))[1] as fail_reason, count(*)::int as count,
        (array_agg(id order by ended_at desc))[1] as example_job_id, min(ended_at) as first_seen,
        max(ended_at) as last_seen
      from newest where fits group by fingerprint
    )
    select all_of.looked, g.* from (select count(*) as looked from newest) all_of left join grouped g on true
    order by g.count desc, g.last_seen desc limit ${limit}`);
  const time = (text: string) => new Date(text).toISOString();
  return {
    data: rows
      .filter(({ count }) => count !== null)
      .map(({ looked: _, ...row }) => ({
        ...row,
        first_seen: time(row.first_seen),
        last_seen: time(row.last_seen),
      })),
    lookedAt: Number(rows[0]?.looked ?? 0),
  };
}
