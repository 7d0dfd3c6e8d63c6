import { RotorError } from "@rotorsh/contract";
import { monthOf } from "../core/period.ts";
import { limitsOf } from "../core/plan.ts";
import { fire, kindOf } from "../firing.ts";
import type { Context } from "../handler.ts";
import { must } from "../must.ts";
import { insertScheduleRuns, lockExecutions, noteMade } from "../store/schedule-ticks.ts";
import type { ScheduleRow } from "../store/schedules.ts";
import type { WorkspaceRow } from "../store/workspaces.ts";
import { provenanceOf } from "../submission.ts";

/** The caller holds the schedule's lock. */
export async function fireByHand(schedule: ScheduleRow, workspace: WorkspaceRow, context: Context) {
  const { db, now, services } = context;
  await checkQuota(workspace, context);
  const shot = { schedule, at: now.getTime(), byHand: true, provenance: provenanceOf(context) };
  const { runs, queues } = await fire(db, kindOf(schedule), [shot]);
  const run = must(runs[0], "what was fired");
  if (run.reason === "queue_deleted") throw new RotorError("QUEUE_NOT_FOUND", { name: schedule.queue_name });
  if (run.reason === "workflow_archived")
    throw new RotorError("WORKFLOW_NOT_FOUND", { id: schedule.workflow_id });
  await insertScheduleRuns(db, [run], now);
  await noteMade(db, schedule, must(run.job_id ?? run.run_id, "what was made"), now);
  context.record({
    resource: schedule.name,
    after: { id: run.id, job_id: run.job_id, run_id: run.run_id },
    workspaceId: workspace.id,
  });
  context.afterCommit(() => {
    services.wake(queues);
    if (run.run_id !== null) services.workflows.wake();
  });
  return { id: run.id, jobId: run.job_id, runId: run.run_id };
}

async function checkQuota(workspace: WorkspaceRow, { db, now }: Context): Promise<void> {
  const { executionsPerMonth: limit } = limitsOf(workspace.plan, workspace);
  if (limit === null) return;
  const used = (await lockExecutions(db, [workspace.id])).get(workspace.id) ?? 0;
  if (used < limit) return;
  const resetAt = monthOf(now).to.toISOString();
  throw new RotorError("QUOTA_EXCEEDED", { limit, used, plan: workspace.plan, resetAt });
}
