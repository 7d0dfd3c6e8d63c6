// A workspace comes into being with its data key and its first admin: one who can do nothing but sign in, until
// a key is minted for them.

import type { Plan } from "@rotorsh/contract";
import { newId } from "./ids.ts";
import { must } from "./must.ts";
import { saveApiKey } from "./store/api-keys.ts";
import type { Database } from "./store/database.ts";
import { type MemberRow, saveMember } from "./store/members.ts";
import { saveTeam, saveWorkspace } from "./store/workspaces.ts";
import { type KeyToken, mintKey } from "./vault/key-token.ts";
import type { Vault } from "./vault/vault.ts";

const firstKeyDays = 90;

export type Founding = {
  id: string;
  teamId: string;
  name: string;
  plan: Plan;
  owner_email: string;
  now: Date;
};

export async function foundWorkspace(db: Database, vault: Vault, founding: Founding) {
  const { id, teamId, name, plan, now } = founding;
  await saveTeam(db, { id: teamId, name, createdAt: now });
  const dataKey = vault.newDataKey(id);
  const workspace = must(
    await saveWorkspace(db, { id, teamId, name, plan, dataKey, createdAt: now }),
    "a new workspace",
  );
  const owner = await saveOwner(db, { workspaceId: id, email: founding.owner_email, now });
  const minted = mintKey("workspace");
  const expiresAt = new Date(now.getTime() + firstKeyDays * 24 * 60 * 60 * 1000);
  await saveKeyOf(db, owner, minted, { teamId, label: "first admin key", role: "admin", expiresAt, now });
  return { workspace, owner, key: minted.token };
}

export async function saveOwner(
  db: Database,
  { workspaceId, email, now }: { workspaceId: string; email: string; now: Date },
): Promise<MemberRow> {
  const row = await saveMember(db, {
    id: newId("mem"),
    workspaceId,
    email,
    name: null,
    role: "admin",
    capabilities: [],
    status: "active",
    createdAt: now,
  });
  return must(row, "a new member");
}

export type KeyGrant = {
  teamId: string;
  label: string;
  role: "admin" | "developer";
  /** Null never expires: the keys a server is started with. */
  expiresAt: Date | null;
  now: Date;
};

export async function saveKeyOf(
  db: Database,
  member: MemberRow,
  { id, tier, hash, prefix, last4 }: KeyToken,
  { teamId, label, role, expiresAt, now }: KeyGrant,
): Promise<void> {
  await saveApiKey(db, {
    ...{ id, tier, hash, prefix, last4, teamId, label, role, expiresAt },
    workspaceId: member.workspaceId,
    capabilities: [],
    memberId: member.id,
    allowedIps: [],
    createdAt: now,
  });
}
