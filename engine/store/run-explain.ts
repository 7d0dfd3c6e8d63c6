// What explaining a run needs to know beside its row.

import { sql } from "drizzle-orm";
import type { RunStatus } from "../core/run.ts";
import type { RunFacts } from "../core/run-explain.ts";
import { must } from "../must.ts";
import type { Database } from "./database.ts";
import { findParents, type StepRow, stepsOf, toStep } from "./run-detail.ts";
import { type RunRow, toRun } from "./runs.ts";

const mostChildren = 20;

export async function readRunFacts(db: Database, workspaceId: string, run: RunRow) {
  const now = new Date(run.now);
  const rows = await db.execute<StepRow>(stepsOf(workspaceId, run.id, { since: null, longestResult: 0 }));
  const steps = rows.map((row) => toStep(row, now));
  const children = await db.execute<{ id: string; workflow: string; status: RunStatus }>(sql`
    select id, workflow_id as workflow, status from run where parent_run = ${run.id} and workspace_id = ${workspaceId}
    order by ended_at is not null, seq limit ${mostChildren}`);
  const [around] = await db.execute<{
    suspended: boolean;
    archived: boolean | null;
    retries: number | null;
  }>(sql`
    select s.suspended_at is not null as suspended, w.archived_at is not null as archived, w.retries
    from workspace s left join workflow w on w.workspace_id = s.id and w.id = ${run.workflow_id}
    where s.id = ${workspaceId}`);
  const { suspended, archived, retries } = must(around, "the workspace of a run");
  const dueAt = run.due_at === null ? null : new Date(run.due_at);
  const facts: RunFacts = {
    now,
    run: {
      id: run.id,
      workflow: run.workflow_id,
      status: run.status,
      attempt: run.attempt,
      errorName: toRun(run).error?.name ?? null,
      leaseUntil: run.lease === null ? null : dueAt,
      dueAt: run.lease === null ? dueAt : null,
      failures: run.failures,
      hook: run.hook,
      parent: run.parent_run,
    },
    steps,
    workflow: retries === null ? null : { archived: archived === true, retries },
    suspended,
  };
  const parents = run.parent_run === null ? [] : await findParents(db, workspaceId, run.parent_run);
  return { facts, steps, parents, children: [...children] };
}
