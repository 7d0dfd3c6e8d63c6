import type { ApiKey } from "@rotorsh/contract";
import { and, desc, eq, isNull, or, sql } from "drizzle-orm";
import type { Database } from "./database.ts";
import { decodeCursor, type Page, toPage } from "./page.ts";
import { apiKey, member, workspace } from "./schema.ts";

export type ApiKeyRow = typeof apiKey.$inferSelect;

/** A workspace's own keys and those of its team. */
const reachable = (workspaceId: string, teamId: string) =>
  or(eq(apiKey.workspaceId, workspaceId), and(isNull(apiKey.workspaceId), eq(apiKey.teamId, teamId)));

export type KeyScope = { workspaceId: string; teamId: string };

export async function listApiKeys(
  db: Database,
  { workspaceId, teamId }: KeyScope,
  { limit, cursor, include_revoked: withRevoked }: Page & { include_revoked: boolean },
) {
  const before = decodeCursor(cursor, ["time", "text"]);
  const rows = await db
    .select()
    .from(apiKey)
    .where(
      and(
        reachable(workspaceId, teamId),
        withRevoked ? undefined : isNull(apiKey.revokedAt),
        before && sql`(${apiKey.createdAt}, ${apiKey.id}) < (${before[0]}::timestamptz, ${before[1]})`,
      ),
    )
    .orderBy(desc(apiKey.createdAt), desc(apiKey.id))
    .limit(limit + 1);
  return toPage(rows, limit, (row) => [row.createdAt.toISOString(), row.id], toApiKey);
}

export async function findApiKey(
  db: Database,
  { workspaceId, teamId }: KeyScope,
  id: string,
): Promise<ApiKeyRow | undefined> {
  const rows = await db
    .select()
    .from(apiKey)
    .where(and(eq(apiKey.id, id), reachable(workspaceId, teamId)))
    .for("update");
  return rows[0];
}

export async function findApiKeyById(db: Database, id: string): Promise<ApiKeyRow | undefined> {
  return (await db.select().from(apiKey).where(eq(apiKey.id, id)))[0];
}

export async function saveApiKey(db: Database, row: typeof apiKey.$inferInsert): Promise<ApiKeyRow> {
  const rows = await db.insert(apiKey).values(row).returning();
  return rows[0] as ApiKeyRow;
}

export async function changeApiKey(
  db: Database,
  id: string,
  change: Partial<Pick<ApiKeyRow, "revokedAt" | "expiresAt">>,
): Promise<ApiKeyRow> {
  const rows = await db.update(apiKey).set(change).where(eq(apiKey.id, id)).returning();
  return rows[0] as ApiKeyRow;
}

/** Ends all keys of a member, team keys too. */
export async function revokeKeysOf(db: Database, { id }: { id: string }, now: Date): Promise<void> {
  await db
    .update(apiKey)
    .set({ revokedAt: now })
    .where(and(eq(apiKey.memberId, id), isNull(apiKey.revokedAt)));
}

export async function revokeQueueKeys(
  db: Database,
  { workspaceId, name }: { workspaceId: string; name: string },
  now: Date,
): Promise<void> {
  await db
    .update(apiKey)
    .set({ revokedAt: now })
    .where(and(eq(apiKey.workspaceId, workspaceId), eq(apiKey.queueName, name), isNull(apiKey.revokedAt)));
}

export type KeyIdentity = {
  key: ApiKeyRow;
  member: typeof member.$inferSelect | null;
  /** Null for a team key. */
  workspace: typeof workspace.$inferSelect | null;
  now: Date;
  /** The version that all of this was read at. */
  access: number;
};

export type FindIdentities = (ids: string[]) => Promise<Map<string, KeyIdentity>>;

/**
 * Finds keys with all that authentication must know of them: by id, whatever the workspace. So many requests ask that
 * drizzle builds the statement once.
 */
export function prepareFindIdentities(db: Database): FindIdentities {
  const query = db
    .select({
      key: apiKey,
      member,
      workspace,
      now: sql<string>`rotor_now()`,
      access: sql<string>`(select version from access_version)`,
    })
    .from(apiKey)
    .leftJoin(member, eq(member.id, apiKey.memberId))
    .leftJoin(workspace, eq(workspace.id, apiKey.workspaceId))
    // One array, not a list: the statement's text is the same for any number of keys, and so prepared once.
    .where(sql`${apiKey.id} = any(${sql.placeholder("ids")}::text[])`)
    .prepare("find_identities");
  return async (ids) => {
    const rows = await query.execute({ ids });
    return new Map(
      rows.map((row) => [row.key.id, { ...row, now: new Date(row.now), access: Number(row.access) }]),
    );
  };
}

/** At most one write a minute and key, so that a busy key costs nothing. */
export async function touchApiKey(db: Database, id: string): Promise<void> {
  await db
    .update(apiKey)
    .set({ lastUsedAt: sql`rotor_now()` })
    .where(
      and(
        eq(apiKey.id, id),
        sql`(${apiKey.lastUsedAt} is null or ${apiKey.lastUsedAt} < rotor_now() - interval '1 minute')`,
      ),
    );
}

export function toApiKey(row: ApiKeyRow): ApiKey {
  return {
    id: row.id,
    label: row.label,
    tier: row.tier,
    role: row.role,
    capabilities: row.capabilities,
    queue: row.queueName,
    workspace_id: row.workspaceId,
    member_id: row.memberId,
    prefix: row.prefix,
    last4: row.last4,
    allowed_ips: row.allowedIps,
    expires_at: row.expiresAt?.toISOString() ?? null,
    last_used_at: row.lastUsedAt?.toISOString() ?? null,
    revoked_at: row.revokedAt?.toISOString() ?? null,
    created_at: row.createdAt.toISOString(),
  };
}
