import { type Contract, invalidInput, RotorError } from "@rotorsh/contract";
import { type Grant, missingFor } from "../core/access.ts";
import { type Context, type Handlers, workspaceOf } from "../handler.ts";
import * as store from "../store/api-keys.ts";
import { findQueue } from "../store/queues.ts";
import { type KeyToken, mintKey } from "../vault/key-token.ts";

const dayMs = 24 * 60 * 60 * 1000;

export const apiKeys: Handlers<Contract>["apiKeys"] = {
  list: (input, context) => store.listApiKeys(context.db, scopeOf(context), input),

  async create(input, context) {
    refuseMoreThanOwn(input, context);
    if (input.tier === "team") needManage(context);
    await checkQueue(input, context);
    const workspace = workspaceOf(context);
    const minted = mintKey(input.tier);
    const row = await store.saveApiKey(context.db, {
      ...columnsOf(minted),
      teamId: workspace.teamId,
      workspaceId: input.tier === "team" ? null : workspace.id,
      queueName: input.queue ?? null,
      label: input.label,
      role: input.role,
      capabilities: input.capabilities,
      memberId: context.caller.memberId,
      allowedIps: boundTo(input.allowed_ips, context),
      expiresAt: endOf(input.expires_in_days, context),
      createdAt: context.now,
    });
    return created(minted, row, context);
  },

  async revoke({ id, dry_run: dryRun }, context) {
    const row = await find(id, context);
    // One's own key may go, even when its member may meanwhile do less than it was made for.
    if (id !== context.caller.actorId) refuseMoreThanOwn(row, context);
    if (dryRun) return { deleted: false };
    if (!row.revokedAt) {
      const revoked = await store.changeApiKey(context.db, id, { revokedAt: context.now });
      context.record({ resource: id, before: store.toApiKey(row), after: store.toApiKey(revoked) });
    }
    return { deleted: true };
  },

  async rotate({ id, grace_seconds: graceSeconds }, context) {
    const old = await findAlive(id, context);
    refuseMoreThanOwn(old, context);
    // The new key goes on acting for the same member.
    if (old.memberId !== context.caller.memberId) needManage(context);
    const minted = mintKey(old.tier);
    const { teamId, workspaceId, queueName, label, role, capabilities, memberId, allowedIps, expiresAt } =
      old;
    const row = await store.saveApiKey(context.db, {
      ...columnsOf(minted),
      ...{ teamId, workspaceId, queueName, label, role, capabilities, memberId, allowedIps, expiresAt },
      parentId: old.id,
      createdAt: context.now,
    });
    await retire(old, graceSeconds, context);
    return created(minted, row, context, old);
  },

  async extend({ id, days }, context) {
    const old = await findAlive(id, context);
    const expiresAt = new Date(context.now.getTime() + days * dayMs);
    // Never shorter than it was.
    if (!old.expiresAt || old.expiresAt >= expiresAt) return store.toApiKey(old);
    const row = await store.changeApiKey(context.db, id, { expiresAt });
    context.record({ resource: id, before: store.toApiKey(old), after: store.toApiKey(row) });
    return store.toApiKey(row);
  },
};

/** A key that is bound to addresses makes keys bound to the same ones, unless an admin says otherwise. */
function boundTo(sent: string[], { caller }: Context): string[] {
  const isFree = caller.allowedIps.length === 0 || caller.permissions.has("manage");
  return isFree ? sent : [...caller.allowedIps];
}

/** Only an admin can make a key that outlives their own: otherwise every key could extend itself. */
function endOf(days: number, { caller, now }: Context): Date {
  const wished = new Date(now.getTime() + days * dayMs);
  const own = caller.expiresAt;
  return own && own < wished && !caller.permissions.has("manage") ? own : wished;
}

function scopeOf(context: Context): store.KeyScope {
  const { id, teamId } = workspaceOf(context);
  return { workspaceId: id, teamId };
}

async function find(id: string, context: Context): Promise<store.ApiKeyRow> {
  const row = await store.findApiKey(context.db, scopeOf(context), id);
  if (!row) throw new RotorError("API_KEY_NOT_FOUND", { id });
  if (row.tier === "team") needManage(context);
  return row;
}

async function findAlive(id: string, context: Context): Promise<store.ApiKeyRow> {
  const row = await find(id, context);
  const ended = row.revokedAt ?? row.expiresAt;
  if (row.revokedAt || (ended && ended <= context.now)) throw new RotorError("KEY_REVOKED", { id });
  return row;
}

/** A key with a grace period ends then, or when it would have ended anyway. */
async function retire(old: store.ApiKeyRow, graceSeconds: number, { db, now }: Context): Promise<void> {
  if (graceSeconds === 0) {
    await store.changeApiKey(db, old.id, { revokedAt: now });
    return;
  }
  const end = now.getTime() + graceSeconds * 1000;
  const expiresAt = new Date(Math.min(end, old.expiresAt?.getTime() ?? end));
  await store.changeApiKey(db, old.id, { expiresAt });
}

function created({ token }: KeyToken, row: store.ApiKeyRow, context: Context, parent?: store.ApiKeyRow) {
  const after = { ...store.toApiKey(row), parent_id: row.parentId };
  context.record({ resource: row.id, before: parent && store.toApiKey(parent), after });
  return { ...store.toApiKey(row), key: token };
}

function columnsOf({ id, tier, hash, prefix, last4 }: KeyToken) {
  return { id, tier, hash, prefix, last4 };
}

/** Nobody hands out more than they have. */
function refuseMoreThanOwn(grant: Grant, { caller }: Context): void {
  const needs = missingFor(grant, caller.permissions);
  if (needs) throw new RotorError("FORBIDDEN", { needs });
}

function needManage({ caller }: Context): void {
  if (!caller.permissions.has("manage")) throw new RotorError("FORBIDDEN", { needs: "manage" });
}

async function checkQueue({ tier, queue }: { tier: string; queue?: string | undefined }, context: Context) {
  if ((tier === "queue") !== (queue !== undefined)) {
    const problem =
      tier === "queue" ? "is required for a queue key" : "is only for a queue key (tier: queue)";
    throw invalidInput([{ path: "queue", problem }]);
  }
  if (queue === undefined) return;
  const found = await findQueue(context.db, { workspaceId: workspaceOf(context).id, name: queue });
  if (!found) throw new RotorError("QUEUE_NOT_FOUND", { name: queue });
}
