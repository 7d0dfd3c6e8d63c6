// Reading runs.

import type { Contract, OutputOf } from "@rotorsh/contract";
import { type SQL, sql } from "drizzle-orm";
import { type RunStatus, runStatuses } from "../core/run.ts";
import { timingsOfRun } from "../core/timings.ts";
import type { Database } from "./database.ts";
import { decodeCursor, encodeCursor, type Page } from "./page.ts";

/** A run as it is stored; times are Postgres text. */
export type RunRow = {
  id: string;
  seq: string;
  workflow_id: string;
  version_number: number;
  status: RunStatus;
  attempt: number;
  event_id: string | null;
  event_name: string;
  event_ts: string;
  input: string;
  parent_run: string | null;
  replay_of: string | null;
  lease: string | null;
  since: string;
  queued_ms: string;
  waiting_ms: string;
  running_ms: string;
  versions: number[];
  due_at: string | null;
  output: string | null;
  error: string | null;
  failures: number;
  hook: string | null;
  hook_errors: { hook: string; error: unknown; at: string }[] | null;
  unasked: string[] | null;
  provenance: Record<string, unknown>;
  created_at: string;
  started_at: string | null;
  ended_at: string | null;
  now: string;
};

export async function findRun(db: Database, workspaceId: string, id: string): Promise<RunRow | undefined> {
  const [row] = await db.execute<RunRow>(
    sql`select *, rotor_now() as now from run where workspace_id = ${workspaceId} and id = ${id}`,
  );
  return row;
}

export type RunFilter = Page & {
  workflow?: string | undefined;
  status?: RunStatus | undefined;
  from?: string | undefined;
  to?: string | undefined;
  event?: string | undefined;
  text?: string | undefined;
};

/** A filter that no index serves looks at no more rows than this per page, so that no list takes long. */
const mostLookedAt = 20_000;

/** Which of these have ended. */
export async function findEnded(db: Database, ids: readonly string[]): Promise<string[]> {
  const rows = await db.execute<{ id: string }>(sql`
    select r.id from json_array_elements_text(${JSON.stringify(ids)}::text::json) as a (id)
    cross join lateral (select id from run where id = a.id and ended_at is not null offset 0) r`);
  return rows.map(({ id }) => id);
}

export async function listRuns(db: Database, workspaceId: string, filter: RunFilter) {
  const isSearch = filter.text !== undefined || (filter.event !== undefined && !isEventId(filter.event));
  const most = isSearch ? mostLookedAt : filter.limit + 1;
  const rows = await db.execute<RunRow & { fits: boolean }>(sql`
    select id, seq, workflow_id, version_number, status, attempt, event_id, event_name, event_ts, parent_run, replay_of,
      lease, due_at, since, queued_ms, waiting_ms, running_ms, rotor_now() as now, error, created_at, started_at, ended_at, ${fits(filter)} as fits
    from (${candidates(workspaceId, filter, most)}) candidate order by seq desc limit ${most}`);
  const fitting = rows.filter((row) => row.fits);
  const kept = fitting.slice(0, filter.limit);
  const last = fitting.length > filter.limit ? kept.at(-1) : rows.length === most ? rows.at(-1) : undefined;
  return { data: kept.map(toRun), nextCursor: last ? encodeCursor([Number(last.seq)]) : null };
}

const isEventId = (event: string) => event.startsWith("evt_");

/** The newest rows of each status, each read from its own stretch of one index. */
function candidates(workspaceId: string, filter: RunFilter, most: number): SQL {
  const before = decodeCursor(filter.cursor, ["number"])?.[0];
  const limits = [
    before === undefined ? undefined : sql`r.seq < ${before}`,
    filter.from ? sql`r.created_at >= ${filter.from}::timestamptz` : undefined,
    filter.to ? sql`r.created_at < ${filter.to}::timestamptz` : undefined,
  ].filter((limit) => limit !== undefined);
  const and = limits.length > 0 ? sql` and ${sql.join(limits, sql` and `)}` : sql``;
  const own = sql`r.workspace_id = ${workspaceId}`;
  const ofStatus = filter.status ? sql` and r.status = ${filter.status}` : sql``;
  const end = sql`order by r.seq desc limit ${most}`;
  if (filter.event !== undefined && isEventId(filter.event)) {
    const ofWorkflow = filter.workflow ? sql` and r.workflow_id = ${filter.workflow}` : sql``;
    return sql`select r.* from run r where ${own} and r.event_id = ${filter.event}${ofWorkflow}${ofStatus}${and} ${end}`;
  }
  if (filter.workflow !== undefined) {
    return sql`select r.* from run r where ${own} and r.workflow_id = ${filter.workflow}${ofStatus}${and} ${end}`;
  }
  const statuses = filter.status ? [filter.status] : runStatuses;
  const parts = statuses.map(
    (status) => sql`(select r.* from run r where ${own} and r.status = ${status}${and} ${end})`,
  );
  return sql.join(parts, sql` union all `);
}

function fits({ text, event }: RunFilter): SQL {
  const wanted: SQL[] = [];
  if (event !== undefined && !isEventId(event))
    wanted.push(sql`(event_name = ${event} or event_id = ${event})`);
  if (text !== undefined) {
    const pattern = `%${text.replaceAll(/[\\%_]/g, "\\$&")}%`;
    wanted.push(sql`(id ilike ${pattern} or error ilike ${pattern})`);
  }
  return wanted.length === 0 ? sql`true` : sql`(${sql.join(wanted, sql` and `)}) is true`;
}

export function toRun(
  row: Omit<
    RunRow,
    "input" | "output" | "versions" | "unasked" | "hook" | "hook_errors" | "failures" | "provenance"
  >,
): OutputOf<Contract["runs"]["replay"]> {
  // While a drive holds the run, its due time is only the end of a lease.
  const isTimed = row.lease === null && row.ended_at === null && row.status !== "pending";
  return {
    id: row.id,
    workflow: row.workflow_id,
    version_number: row.version_number,
    status: row.status,
    attempt: row.attempt,
    event: { id: row.event_id, name: row.event_name, ts: new Date(Number(row.event_ts)).toISOString() },
    error: row.error === null ? null : JSON.parse(row.error),
    parent: row.parent_run,
    replay_of: row.replay_of,
    due_at: isTimed ? isoOrNull(row.due_at) : null,
    timings: timingsOfRun({
      status: row.status,
      isDriven: row.lease !== null,
      since: new Date(row.since),
      dueAt: row.due_at === null ? null : new Date(row.due_at),
      before: {
        queued_ms: Number(row.queued_ms),
        waiting_ms: Number(row.waiting_ms),
        running_ms: Number(row.running_ms),
      },
      now: new Date(row.now),
    }),
    created_at: iso(row.created_at),
    started_at: isoOrNull(row.started_at),
    ended_at: isoOrNull(row.ended_at),
  };
}

/** Runs that have not ended, the oldest first. */
export async function findOpen(
  db: Database,
  workspaceId: string,
  {
    workflow,
    status,
    from,
    to,
    ids,
  }: Pick<RunFilter, "workflow" | "status" | "from" | "to"> & {
    ids?: readonly string[] | undefined;
  },
  most: number,
): Promise<string[]> {
  const rows = await db.execute<{ id: string }>(sql`
    select id from run r where workspace_id = ${workspaceId}
      and status in (${sql.join(
        (status ? [status] : ["pending", "running", "sleeping", "waiting"]).map((one) => sql`${one}`),
        sql`, `,
      )})
      ${workflow ? sql`and workflow_id = ${workflow}` : sql``}
      ${from ? sql`and created_at >= ${from}::timestamptz` : sql``}
      ${to ? sql`and created_at < ${to}::timestamptz` : sql``}
      ${ids ? sql`and id in (select json_array_elements_text(${JSON.stringify(ids)}::text::json))` : sql``}
    order by seq limit ${most}`);
  return rows.map(({ id }) => id);
}

export function iso(time: string): string {
  return new Date(time).toISOString();
}

export function isoOrNull(time: string | null): string | null {
  return time === null ? null : iso(time);
}
