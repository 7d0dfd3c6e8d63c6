import { isDeepStrictEqual } from "node:util";
import { type Contract, RotorError } from "@rotorsh/contract";
import { type Context, type Handlers, workspaceOf } from "../handler.ts";
import { newId } from "../ids.ts";
import { revokeKeysOf } from "../store/api-keys.ts";
import * as store from "../store/members.ts";

export const members: Handlers<Contract>["members"] = {
  list: (input, context) => store.listMembers(context.db, workspaceOf(context).id, input),

  async invite(input, context) {
    const row = await store.saveMember(context.db, {
      id: newId("mem"),
      workspaceId: workspaceOf(context).id,
      email: input.email,
      name: input.name ?? null,
      role: input.role,
      capabilities: input.capabilities,
      status: "invited",
      createdAt: context.now,
    });
    if (!row) throw new RotorError("MEMBER_EXISTS");
    context.record({ resource: row.id, after: store.toMember(row) });
    return store.toMember(row);
  },

  async update({ id, ...sent }, context) {
    const admins = await store.lockAdmins(context.db, workspaceOf(context).id);
    const row = await find(id, context);
    const change = {
      name: sent.name ?? row.name,
      role: sent.role ?? row.role,
      capabilities: sent.capabilities ?? row.capabilities,
      status: sent.status ?? row.status,
    };
    if (change.role !== "admin" || change.status === "disabled") refuseLastAdmin(row, admins);
    if (isDeepStrictEqual({ ...row, ...change }, row)) return store.toMember(row);
    const changed = await store.changeMember(context.db, row, change, context.now);
    context.record({ resource: id, before: store.toMember(row), after: store.toMember(changed) });
    return store.toMember(changed);
  },

  async remove({ id, dry_run: dryRun }, context) {
    const admins = await store.lockAdmins(context.db, workspaceOf(context).id);
    const row = await find(id, context);
    refuseLastAdmin(row, admins);
    if (dryRun) return { deleted: false };
    // A disabled member's keys are dead; as keys of nobody they would come back to life as viewers.
    if (row.status === "disabled") await revokeKeysOf(context.db, row, context.now);
    await store.deleteMember(context.db, row);
    context.record({ resource: id, before: store.toMember(row) });
    return { deleted: true };
  },
};

async function find(id: string, context: Context): Promise<store.MemberRow> {
  const row = await store.findMember(context.db, workspaceOf(context).id, id);
  if (!row) throw new RotorError("MEMBER_NOT_FOUND", { id });
  return row;
}

function refuseLastAdmin({ id }: store.MemberRow, admins: readonly string[]): void {
  if (admins.length === 1 && admins[0] === id) throw new RotorError("LAST_ADMIN");
}
