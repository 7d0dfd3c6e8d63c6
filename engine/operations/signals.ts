import { type Contract, RotorError } from "@rotorsh/contract";
import { type Handlers, workspaceOf } from "../handler.ts";
import { completeSignal, findSignalWait, hasEnded, holdSignal } from "../store/signals.ts";
import { toPayload } from "../submission.ts";

export const signals: Handlers<Contract>["signals"] = {
  async complete({ id, data }, context) {
    const { id: workspaceId } = workspaceOf(context);
    toPayload(data);
    if (!(await holdSignal(context.db, workspaceId, id))) throw new RotorError("SIGNAL_CONFLICT", { id });
    const wait = await findSignalWait(context.db, workspaceId, id);
    // Another workspace's signal is as unknown as one that nobody ever waited for.
    const over = () => hasEnded(context.db, workspaceId, id);
    if (!wait) throw new RotorError((await over()) ? "SIGNAL_RESOLVED" : "SIGNAL_NOT_FOUND", { id });
    if (wait.isApproval && !context.caller.permissions.has("approve")) {
      throw new RotorError("FORBIDDEN", { needs: "approve" });
    }
    if (!(await completeSignal(context.db, wait, data))) throw new RotorError("SIGNAL_RESOLVED", { id });
    context.afterCommit(context.services.workflows.wake);
    return { completed: true, signal: id, run_id: wait.run };
  },
};
