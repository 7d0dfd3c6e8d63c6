// A fresh server has one workspace, `default`, so that there is something to use at once.

import { sql } from "drizzle-orm";
import type { Services } from "./handler.ts";
import { must } from "./must.ts";
import { setSigningKey } from "./signing-keys.ts";
import { StartRefused } from "./start-refused.ts";
import { findApiKeyById } from "./store/api-keys.ts";
import type { Database } from "./store/database.ts";
import { findOwner } from "./store/members.ts";
import { findWorkspace, saveTeam, saveWorkspace, type WorkspaceRow } from "./store/workspaces.ts";
import { readKey } from "./vault/key-token.ts";
import type { Vault } from "./vault/vault.ts";
import { saveKeyOf, saveOwner } from "./workspace-founding.ts";

export const defaultWorkspaceId = "ws_default";
const defaultTeamId = "team_default";

/** A key made elsewhere, for instance set in the environment. It does not expire. */
export type GivenKey = { token: string; label: string; role: "admin" | "developer" };

/** Safe to run in several processes at once, and at every start. */
export async function ensureDefaultWorkspace(
  { databases, vault }: Services,
  givenKeys: readonly GivenKey[],
  signingKey?: string,
) {
  await databases.acrossWorkspaces(async (db, now) => {
    await db.execute(sql`select pg_advisory_xact_lock(hashtextextended('default workspace', 0))`);
    await saveTeam(db, { id: defaultTeamId, name: "default", createdAt: now });
    await saveWorkspace(db, {
      id: defaultWorkspaceId,
      teamId: defaultTeamId,
      name: "default",
      plan: "unlimited",
      dataKey: vault.newDataKey(defaultWorkspaceId),
      createdAt: now,
    });
    const workspace = await findWorkspace(db, defaultWorkspaceId);
    // Deleted by the operator: it stays deleted, and its keys with it.
    if (!workspace) return;
    // A wrong ROTOR_ENCRYPTION_KEY must show here, at the start, and not at the first secret that is needed.
    checkKeyRing(vault, workspace);
    for (const key of givenKeys) await ensureKey(db, key, now);
    if (signingKey !== undefined) await setSigningKey(db, vault, workspace, signingKey);
  });
}

function checkKeyRing(vault: Vault, workspace: WorkspaceRow): void {
  try {
    vault.seal(workspace, "check", "");
  } catch {
    throw new StartRefused(
      "ROTOR_ENCRYPTION_KEY: is not the key ring that this database's secrets were encrypted with. " +
        "Example: the value of the last start, with newer keys in front of it, if any",
    );
  }
}

async function ensureKey(db: Database, { token, label, role }: GivenKey, now: Date): Promise<void> {
  const key = must(readKey(token), "a key of the right form");
  if (await findApiKeyById(db, key.id)) return;
  const owner =
    (await findOwner(db, defaultWorkspaceId)) ??
    (await saveOwner(db, { workspaceId: defaultWorkspaceId, email: "owner@localhost", now }));
  await saveKeyOf(db, owner, key, { teamId: defaultTeamId, label, role, expiresAt: null, now });
}
