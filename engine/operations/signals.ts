import { type Contract, RotorError } from "@rotorsh/contract";
import { type Handlers, workspaceOf } from "../handler.ts";
import { completeSignal, findSignal, holdSignal } from "../store/signals.ts";
import { toPayload } from "../submission.ts";

export const signals: Handlers<Contract>["signals"] = {
  async complete({ id, data }, context) {
    const { id: workspaceId } = workspaceOf(context);
    toPayload(data);
    if (!(await holdSignal(context.db, workspaceId, id))) throw new RotorError("SIGNAL_CONFLICT", { id });
    const { wait, isOver } = await findSignal(context.db, workspaceId, id);
    // Another workspace's signal is as unknown as one that nobody ever waited for.
    if (!wait) throw new RotorError(isOver ? "SIGNAL_RESOLVED" : "SIGNAL_NOT_FOUND", { id });
    if (wait.isApproval && !context.caller.permissions.has("approve")) {
      throw new RotorError("FORBIDDEN", { needs: "approve" });
    }
    if (!(await completeSignal(context.db, wait, data))) throw new RotorError("SIGNAL_RESOLVED", { id });
    // Whatever way it comes, a person's decision is in the audit log.
    if (wait.isApproval) {
      const { approved } = (data ?? {}) as { approved?: unknown };
      const after = { signal: id, approved: approved === true, key_id: context.caller.actorId };
      context.record({ resource: wait.run, after });
    }
    context.afterCommit(context.services.workflows.wake);
    return { completed: true, signal: id, run_id: wait.run };
  },
};
