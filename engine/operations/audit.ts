import type { Contract } from "@rotorsh/contract";
import { type Handlers, workspaceOf } from "../handler.ts";
import { listAudit, verifyAudit } from "../store/audit.ts";

export const audit: Handlers<Contract>["audit"] = {
  list: (input, context) => listAudit(context.db, workspaceOf(context).id, input),
  verify: (_input, context) => verifyAudit(context.db, workspaceOf(context).id),
};
