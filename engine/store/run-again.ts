// New runs from old ones.

import { sql } from "drizzle-orm";
import { newId } from "../ids.ts";
import type { Database } from "./database.ts";
import { insertRuns } from "./run-start.ts";
import type { RunRow } from "./runs.ts";

/** The new run's id; undefined when its workflow is gone. */
export async function startAgain(
  db: Database,
  workspaceId: string,
  run: RunRow,
  { input = run.input, provenance }: { input?: string; provenance: Record<string, unknown> },
): Promise<string | undefined> {
  const [started] = await insertRuns(db, [
    {
      id: newId("run"),
      workspaceId,
      workflowId: run.workflow_id,
      idempotencyKey: null,
      eventId: run.event_id,
      eventName: run.event_name,
      eventTs: Number(run.event_ts),
      input,
      provenance,
      replayOf: run.id,
    },
  ]);
  return started && started.kind !== "no workflow" ? started.id : undefined;
}

/** The number of a finished step, by its name or id. */
export async function findStepSeq(db: Database, workspaceId: string, runId: string, step: string) {
  const [row] = await db.execute<{ seq: string }>(sql`
    select min(seq) as seq from step
    where run_id = ${runId} and workspace_id = ${workspaceId} and (name = ${step} or key = ${step})`);
  return row?.seq ?? undefined;
}

/** What ended before that step has ended in the new run too. */
export async function copySteps(db: Database, from: string, to: string, beforeSeq: string): Promise<void> {
  await db.execute(sql`
    insert into step (run_id, key, workspace_id, name, kind, outcome, attempts, duration_ms, running_ms, waiting_ms,
      started_at, ended_at, child_run)
    select ${to}, key, workspace_id, name, kind, outcome, attempts, duration_ms, running_ms, waiting_ms, started_at, ended_at,
      child_run
    from step where run_id = ${from} and seq < ${beforeSeq} and outcome is not null order by seq`);
}
