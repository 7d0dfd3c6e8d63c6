import type { Member } from "@rotorsh/contract";
import { and, asc, eq, gt, isNull, ne, sql } from "drizzle-orm";
import { must } from "../must.ts";
import type { Database } from "./database.ts";
import { decodeCursor, type Page, toPage } from "./page.ts";
import { member, workspace } from "./schema.ts";
import type { WorkspaceRow } from "./workspaces.ts";

export type MemberRow = typeof member.$inferSelect;

export async function listMembers(db: Database, workspaceId: string, { limit, cursor }: Page) {
  const after = decodeCursor(cursor, ["text"])?.[0];
  const rows = await db
    .select()
    .from(member)
    .where(and(eq(member.workspaceId, workspaceId), after ? gt(member.id, after) : undefined))
    .orderBy(asc(member.id))
    .limit(limit + 1);
  return toPage(rows, limit, (row) => [row.id], toMember);
}

export async function findMember(
  db: Database,
  workspaceId: string,
  id: string,
): Promise<MemberRow | undefined> {
  const rows = await db
    .select()
    .from(member)
    .where(and(eq(member.workspaceId, workspaceId), eq(member.id, id)));
  return rows[0];
}

export type Membership = { member: MemberRow; workspace: WorkspaceRow };

/** Where somebody may work, in one workspace or in any: at most two, which is enough to know that it is not clear. */
export async function findMemberships(
  db: Database,
  email: string,
  workspaceId: string | undefined,
): Promise<Membership[]> {
  return db
    .select({ member, workspace })
    .from(member)
    .innerJoin(workspace, eq(workspace.id, member.workspaceId))
    .where(
      and(
        sql`lower(${member.email}) = ${email}`,
        ne(member.status, "disabled"),
        isNull(workspace.deletedAt),
        workspaceId === undefined ? undefined : eq(workspace.id, workspaceId),
      ),
    )
    .orderBy(asc(member.createdAt))
    .limit(2);
}

/** The workspace's first admin. */
export async function findOwner(db: Database, workspaceId: string): Promise<MemberRow | undefined> {
  const rows = await db
    .select()
    .from(member)
    .where(and(eq(member.workspaceId, workspaceId), eq(member.role, "admin"), eq(member.status, "active")))
    .orderBy(asc(member.createdAt), asc(member.id))
    .limit(1);
  return rows[0];
}

/** The new member, or undefined when somebody of the workspace has this address already. */
export async function saveMember(
  db: Database,
  row: Omit<MemberRow, "updatedAt">,
): Promise<MemberRow | undefined> {
  const rows = await db
    .insert(member)
    .values({ ...row, updatedAt: row.createdAt })
    .onConflictDoNothing()
    .returning();
  return rows[0];
}

export async function changeMember(
  db: Database,
  row: Pick<MemberRow, "workspaceId" | "id">,
  change: Partial<Pick<MemberRow, "name" | "role" | "capabilities" | "status">>,
  now: Date,
): Promise<MemberRow> {
  const rows = await db
    .update(member)
    .set({ ...change, updatedAt: now })
    .where(and(eq(member.workspaceId, row.workspaceId), eq(member.id, row.id)))
    .returning();
  return must(rows[0], "the member");
}

export async function deleteMember(db: Database, { workspaceId, id }: Pick<MemberRow, "workspaceId" | "id">) {
  await db.delete(member).where(and(eq(member.workspaceId, workspaceId), eq(member.id, id)));
}

/**
 * Ids of the members who are admins now. Takes a lock on the workspace until the transaction ends: two admins
 * who demote each other at the same moment must not both see the other one still in office.
 */
export async function lockAdmins(db: Database, workspaceId: string): Promise<string[]> {
  await db.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`admins|${workspaceId}`}, 0))`);
  const rows = await db
    .select({ id: member.id })
    .from(member)
    .where(and(eq(member.workspaceId, workspaceId), eq(member.role, "admin"), eq(member.status, "active")));
  return rows.map(({ id }) => id);
}

export function toMember(row: MemberRow): Member {
  return {
    id: row.id,
    email: row.email,
    name: row.name,
    role: row.role,
    capabilities: row.capabilities,
    status: row.status,
    created_at: row.createdAt.toISOString(),
    updated_at: row.updatedAt.toISOString(),
  };
}
