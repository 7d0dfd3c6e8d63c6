import { type Contract, invalidInput, RotorError } from "@rotorsh/contract";
import { isEnded } from "../core/run.ts";
import { type Context, type Handlers, workspaceOf } from "../handler.ts";
import { must } from "../must.ts";
import { withinQuota } from "../quota.ts";
import { copySteps, findStepSeq, startAgain } from "../store/run-again.ts";
import { cancelRuns } from "../store/run-cancel.ts";
import { readDetail } from "../store/run-detail.ts";
import * as store from "../store/runs.ts";
import { completeSignal, findApprovals } from "../store/signals.ts";
import { allowanceOf, provenanceOf, toPayload } from "../submission.ts";
import { explain } from "./run-explain.ts";

export const runs: Handlers<Contract>["runs"] = {
  list: (input, context) => store.listRuns(context.db, workspaceOf(context).id, input),

  async get({ id }, context) {
    const run = await find(id, context);
    return readDetail(context.db, workspaceOf(context).id, run);
  },

  explain,

  async cancel({ id, dry_run: dryRun }, context) {
    const run = await find(id, context);
    if (isEnded(run.status) || dryRun) {
      return { ...store.toRun(run), already_ended: isEnded(run.status), cancelled_children: 0 };
    }
    const cancelled = await cancel([id], context);
    const now = store.toRun(await find(id, context));
    const children = cancelled.filter((one) => one !== id).length;
    return { ...now, already_ended: !cancelled.includes(id), cancelled_children: children };
  },

  async cancelMany({ dry_run: dryRun, ids, status, ...filter }, context) {
    const wanted = { ...filter, status, ids };
    const open = await store.findOpen(context.db, workspaceOf(context).id, wanted, mostAtOnce + 1);
    const chosen = open.slice(0, mostAtOnce);
    const more = open.length > chosen.length;
    if (dryRun) return { cancelled: chosen.length, more };
    await cancel(chosen, context);
    return { cancelled: chosen.length, more };
  },

  async replay({ id }, context) {
    const run = await find(id, context);
    return store.toRun(await again(run, context));
  },

  async rerun({ id, from_step: step, data }, context) {
    const run = await find(id, context);
    const workspaceId = workspaceOf(context).id;
    const seq = await findStepSeq(context.db, workspaceId, id, step);
    if (seq === undefined) throw new RotorError("STEP_NOT_FOUND", { step });
    const started = await again(run, context, data === undefined ? run.input : toPayload(data));
    await copySteps(context.db, run.id, started.id, seq);
    return store.toRun(started);
  },

  async approve({ id, approved, reason, signal }, context) {
    const workspaceId = workspaceOf(context).id;
    await find(id, context);
    const waits = await findApprovals(context.db, workspaceId, id);
    const fitting = signal === undefined ? waits : waits.filter((wait) => wait.signal === signal);
    if (fitting.length > 1) {
      throw invalidInput([{ path: "signal", problem: "is required: the run waits for several approvals" }]);
    }
    const [wait] = fitting;
    const decidedBy = context.caller.memberEmail ?? context.caller.actorId;
    const data = { approved, ...(reason !== undefined && { reason }), decided_by: decidedBy };
    if (!wait || !(await completeSignal(context.db, wait, data)))
      throw new RotorError("NO_PENDING_APPROVAL", { id });
    context.record({
      resource: id,
      after: { signal: wait.signal, approved, reason: reason ?? null, key_id: context.caller.actorId },
    });
    context.afterCommit(context.services.workflows.wake);
    return { run_id: id, signal: wait.signal, approved, decided_by: decidedBy };
  },
};

const mostAtOnce = 1000;

async function find(id: string, context: Context): Promise<store.RunRow> {
  const run = await store.findRun(context.db, workspaceOf(context).id, id);
  if (!run) throw new RotorError("RUN_NOT_FOUND", { id });
  return run;
}

async function cancel(ids: readonly string[], context: Context): Promise<string[]> {
  const cancelled = await cancelRuns(context.db, workspaceOf(context).id, ids);
  context.afterCommit(context.services.workflows.wake);
  return cancelled;
}

async function again(run: store.RunRow, context: Context, input = run.input): Promise<store.RunRow> {
  const workspaceId = workspaceOf(context).id;
  const { db, now } = context;
  const id = await withinQuota(db, allowanceOf(context), now, () =>
    startAgain(db, workspaceId, run, { input, provenance: provenanceOf(context) }),
  );
  if (id === undefined) throw new RotorError("WORKFLOW_NOT_FOUND", { id: run.workflow_id });
  context.afterCommit(context.services.workflows.wake);
  return must(await store.findRun(context.db, workspaceId, id), "the new run");
}
