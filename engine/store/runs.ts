// Reading runs.

import type { Contract, Memo, OutputOf } from "@rotorsh/contract";
import { type SQL, sql } from "drizzle-orm";
import { type RunStatus, runStatuses } from "../core/run.ts";
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
  due_at: string | null;
  output: string | null;
  error: string | null;
  hook_errors: { hook: string; error: unknown; at: string }[] | null;
  unasked: string[] | null;
  provenance: Record<string, unknown>;
  created_at: string;
  started_at: string | null;
  ended_at: string | null;
};

export async function findRun(db: Database, workspaceId: string, id: string): Promise<RunRow | undefined> {
  const [row] = await db.execute<RunRow>(
    sql`select * from run where workspace_id = ${workspaceId} and id = ${id}`,
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

export async function listRuns(db: Database, workspaceId: string, filter: RunFilter) {
  const isSearch = filter.text !== undefined || (filter.event !== undefined && !isEventId(filter.event));
  const most = isSearch ? mostLookedAt : filter.limit + 1;
  const rows = await db.execute<RunRow & { fits: boolean }>(sql`
    select id, seq, workflow_id, version_number, status, attempt, event_id, event_name, event_ts, parent_run, replay_of,
      lease, due_at, error, created_at, started_at, ended_at, ${fits(filter)} as fits
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

export function toRun(row: RunRow): OutputOf<Contract["runs"]["replay"]> {
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
    created_at: iso(row.created_at),
    started_at: isoOrNull(row.started_at),
    ended_at: isoOrNull(row.ended_at),
  };
}

type Detail = OutputOf<Contract["runs"]["get"]>;

type StepRow = {
  key: string;
  name: string;
  kind: string;
  outcome: string | null;
  error: string | null;
  attempts: number;
  duration_ms: number | null;
  started_at: string;
  ended_at: string | null;
  child_run: string | null;
  due_at: string | null;
  event: string | null;
  signal: string | null;
  approval: { prompt?: string } | null;
  is_waiting: boolean;
};

export async function readDetail(db: Database, workspaceId: string, run: RunRow): Promise<Detail> {
  const steps = await db.execute<StepRow>(sql`
    select coalesce(s.key, w.key) as key, coalesce(s.name, w.name) as name, coalesce(s.kind, w.kind) as kind, s.outcome,
      s.error, coalesce(s.attempts, 1) as attempts, s.duration_ms, coalesce(s.started_at, w.created_at) as started_at,
      s.ended_at, coalesce(s.child_run, w.child_run) as child_run, w.due_at, w.event, w.signal, w.approval,
      w.key is not null as is_waiting
    from (select * from step where run_id = ${run.id} and workspace_id = ${workspaceId}) s
    full join (select * from waiter where run_id = ${run.id} and workspace_id = ${workspaceId}) w on w.key = s.key
    order by s.seq nulls last, w.created_at`);
  const children = await db.execute<{ id: string; workflow: string; status: RunStatus }>(sql`
    select id, workflow_id as workflow, status from run
    where parent_run = ${run.id} and workspace_id = ${workspaceId} order by seq`);
  return {
    ...toRun(run),
    input: JSON.parse(run.input),
    output: run.output === null ? null : JSON.parse(run.output),
    steps: steps.map(toStep),
    children: [...children],
    unasked_steps: run.unasked ?? [],
    hookErrors: (run.hook_errors ?? []).map((error) => ({ ...error, at: iso(error.at) })),
    triggered_by: run.provenance,
  };
}

function toStep(row: StepRow): Detail["steps"][number] {
  const memo = row.outcome === null ? undefined : (JSON.parse(row.outcome) as Memo);
  const status = memo
    ? "error" in memo
      ? ("failed" as const)
      : ("completed" as const)
    : row.kind === "sleep"
      ? ("sleeping" as const)
      : row.is_waiting && row.kind !== "run"
        ? ("waiting" as const)
        : ("retrying" as const);
  return {
    id: row.key,
    name: row.name,
    kind: row.kind,
    status,
    attempts: row.attempts,
    output: memo && "ok" in memo ? memo.ok : null,
    error: memo && "error" in memo ? memo.error : row.error === null ? null : JSON.parse(row.error),
    started_at: iso(row.started_at),
    ended_at: memo ? isoOrNull(row.ended_at) : null,
    duration_ms: row.duration_ms,
    due_at: isoOrNull(row.due_at),
    child: row.child_run,
    event: row.event,
    signal: row.signal,
    approval: row.approval,
  };
}

function iso(time: string): string {
  return new Date(time).toISOString();
}

function isoOrNull(time: string | null): string | null {
  return time === null ? null : iso(time);
}

/** Runs that have not ended, the oldest first. */
export async function findOpen(
  db: Database,
  workspaceId: string,
  { workflow, status, from, to }: Pick<RunFilter, "workflow" | "status" | "from" | "to">,
  most: number,
) {
  return db.execute<{ id: string; status: RunStatus }>(sql`
    select id, status from run r where workspace_id = ${workspaceId}
      and status in (${sql.join(
        (status ? [status] : ["pending", "running", "sleeping", "waiting"]).map((one) => sql`${one}`),
        sql`, `,
      )})
      ${workflow ? sql`and workflow_id = ${workflow}` : sql``}
      ${from ? sql`and created_at >= ${from}::timestamptz` : sql``}
      ${to ? sql`and created_at < ${to}::timestamptz` : sql``}
    order by seq limit ${most}`);
}
