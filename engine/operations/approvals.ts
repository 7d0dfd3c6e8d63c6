import { type Contract, RotorError } from "@rotorsh/contract";
import { type Decision, failReasonOf, refusalOf } from "../core/approval.ts";
import { type Context, type Handlers, workspaceOf } from "../handler.ts";
import { must } from "../must.ts";
import * as store from "../store/approvals.ts";
import { findQueueRef } from "../store/jobs.ts";

export const approvals: Handlers<Contract>["approvals"] = {
  async list(input, context) {
    const { id } = workspaceOf(context);
    const page = await store.listApprovals(context.db, id, input);
    // A mistyped name must not look like a queue in which nothing waits.
    if (page.approvals.length === 0 && input.queue && !(await findQueueRef(context.db, id, input.queue))) {
      throw new RotorError("QUEUE_NOT_FOUND", { name: input.queue });
    }
    return page;
  },

  get: ({ id }, context) => find(id, context),

  approve: (input, context) => decideOne({ ...input, approved: true }, context),
  reject: (input, context) => decideOne({ ...input, approved: false }, context),

  async decide({ decisions }, context) {
    const refusals = await decide(decisions, context);
    const ids = decisions.map(({ id }) => id);
    const now = await store.findApprovals(context.db, workspaceOf(context).id, ids);
    // A single refusal of this kind is recorded with the call; here the call goes on.
    if ([...refusals.values()].some(({ code }) => code === "FOUR_EYES")) {
      context.afterCommit(() => {
        void context.services.denied(context.caller, "approvals.decide", "FOUR_EYES");
      });
    }
    return {
      decided: decisions.length - refusals.size,
      results: ids.map((id) => ({ id, approval: now.get(id) ?? null, error: told(refusals.get(id)) })),
    };
  },
};

async function find(id: string, context: Context) {
  const approval = await store.findApproval(context.db, workspaceOf(context).id, id);
  if (!approval) throw new RotorError("APPROVAL_NOT_FOUND", { id });
  return approval;
}

async function decideOne(decision: Decision, context: Context) {
  const [refusal] = (await decide([decision], context)).values();
  if (refusal) throw refusal;
  return find(decision.id, context);
}

/** Carries out those that may be; answers why the others may not. */
async function decide(decisions: readonly Decision[], context: Context): Promise<Map<string, RotorError>> {
  const { db, caller, now } = context;
  const found = await store.lockForDecision(
    db,
    workspaceOf(context).id,
    decisions.map(({ id }) => id),
  );
  const refusals = new Map<string, RotorError>();
  const settled = decisions.flatMap((decision): store.Settled[] => {
    const refusal = refusalOf(decision, found.get(decision.id), caller, now);
    if (refusal) refusals.set(decision.id, refusal);
    const status = decision.approved ? "approved" : "rejected";
    const { id, reason = null } = decision;
    return refusal ? [] : [{ id, status, reason, fail_reason: failReasonOf(decision) }];
  });
  const queues = await store.decideApprovals(db, settled, {
    key_id: caller.actorId,
    member_email: caller.memberEmail,
    surface: caller.provenance.surface,
    client: caller.provenance.client,
  });
  for (const { id, status, reason } of settled) {
    const { jobId, queueName, payloadHash } = must(found.get(id), "the approval");
    const what = { job_id: jobId, queue: queueName, payload_hash: payloadHash };
    context.record({ resource: id, after: { status, reason, ...what } });
  }
  context.afterCommit(() => context.services.wake(queues));
  return refusals;
}

function told(refusal: RotorError | undefined) {
  if (!refusal) return null;
  return { code: refusal.code, message: refusal.message, hint: refusal.hint ?? "" };
}
