// One run with everything about it: its steps, what it waits for, and the runs it belongs to.

import type { Contract, Memo, OutputOf } from "@rotorsh/contract";
import { type SQL, sql } from "drizzle-orm";
import type { RunStatus } from "../core/run.ts";
import { timingsOfStep } from "../core/timings.ts";
import type { Database } from "./database.ts";
import { iso, isoOrNull, type RunRow, toRun } from "./runs.ts";

const mostChildren = 1000;
const mostParents = 100;

type Detail = OutputOf<Contract["runs"]["get"]>;

/** A step that has ended or is tried again, or a wait. */
export type StepRow = {
  key: string;
  name: string;
  kind: string;
  outcome: string | null;
  error: string | null;
  attempts: number;
  duration_ms: number | null;
  running_ms: number | string | null;
  waiting_ms: number | string | null;
  started_at: string;
  ended_at: string | null;
  child_run: string | null;
  due_at: string | null;
  event: string | null;
  signal: string | null;
  approval: { prompt?: string } | null;
  is_waiting: boolean;
};

export type StepsWanted = {
  /** Only what was not visible in this snapshot. */
  since: string | null;
  /** Leaves out larger results. */
  longestResult: number;
};

/** Rows of a run's steps, in their order. */
export function stepsOf(workspaceId: string, runId: string, wanted?: StepsWanted): SQL {
  const own = sql`run_id = ${runId} and workspace_id = ${workspaceId}`;
  const outcome = wanted
    ? sql`case when octet_length(s.outcome) <= ${wanted.longestResult} or s.outcome like '{"error":%' then s.outcome
        when s.outcome is not null then '{"ok":null}' end`
    : sql`s.outcome`;
  const since = wanted?.since ?? null;
  const isNew = (changed: SQL) => sql`not pg_visible_in_snapshot(${changed}, ${since}::pg_snapshot)`;
  return sql`
    select coalesce(s.key, w.key) as key, coalesce(s.name, w.name) as name, coalesce(s.kind, w.kind) as kind,
      ${outcome} as outcome, s.error, coalesce(s.attempts, 1) as attempts, s.duration_ms, s.running_ms, s.waiting_ms,
      coalesce(s.started_at, w.created_at) as started_at, s.ended_at, coalesce(s.child_run, w.child_run) as child_run,
      w.due_at, w.event, w.signal, w.approval, w.key is not null as is_waiting
    from (select * from step where ${own}) s full join (select * from waiter where ${own}) w on w.key = s.key
    ${since === null ? sql`` : sql`where ${isNew(sql`s.changed`)} or ${isNew(sql`w.changed`)}`}
    order by s.seq nulls last, w.created_at`;
}

export async function readDetail(db: Database, workspaceId: string, run: RunRow): Promise<Detail> {
  const steps = await db.execute<StepRow>(stepsOf(workspaceId, run.id));
  const children = await db.execute<{ id: string; workflow: string; status: RunStatus }>(sql`
    select id, workflow_id as workflow, status from run
    where parent_run = ${run.id} and workspace_id = ${workspaceId} order by seq limit ${mostChildren}`);
  return {
    ...toRun(run),
    input: JSON.parse(run.input),
    output: run.output === null ? null : JSON.parse(run.output),
    steps: steps.map((step) => toStep(step, new Date(run.now))),
    parents: run.parent_run === null ? [] : await findParents(db, workspaceId, run.parent_run),
    children: [...children],
    versions: run.versions,
    unasked_steps: run.unasked ?? [],
    hookErrors: (run.hook_errors ?? []).map((error) => ({ ...error, at: iso(error.at) })),
    triggered_by: run.provenance,
  };
}

export async function findParents(db: Database, workspaceId: string, parent: string) {
  const rows = await db.execute<Detail["parents"][number]>(sql`
    with recursive line as (
      select id, workflow_id, status, parent_run, 1 as far from run where id = ${parent} and workspace_id = ${workspaceId}
      union all
      select r.id, r.workflow_id, r.status, r.parent_run, far + 1 from run r join line l on r.id = l.parent_run
      where r.workspace_id = ${workspaceId} and far < ${mostParents}
    )
    select id, workflow_id as workflow, status from line order by far`);
  return [...rows];
}

export function toStep(row: StepRow, now: Date): Detail["steps"][number] {
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
    timings: timingsOfStep({
      isWork: row.kind === "run" || row.kind === "send",
      startedAt: new Date(row.started_at),
      endedAt: memo && row.ended_at ? new Date(row.ended_at) : null,
      runningMs: Number(row.running_ms ?? 0),
      betweenMs: Number(row.waiting_ms ?? 0),
      now,
    }),
    due_at: isoOrNull(row.due_at),
    child: row.child_run,
    event: row.event,
    signal: row.signal,
    approval: row.approval,
  };
}
