import type { Plan, Workspace } from "@rotorsh/contract";
import { and, asc, eq, gt, isNull, sql } from "drizzle-orm";
import { limitsOf } from "../core/plan.ts";
import type { Database } from "./database.ts";
import { decodeCursor, type Page, toPage } from "./page.ts";
import { apiKey, member, queue, team, workspace } from "./schema.ts";

export type WorkspaceRow = typeof workspace.$inferSelect;

export async function findWorkspace(db: Database, id: string): Promise<WorkspaceRow | undefined> {
  const rows = await db
    .select()
    .from(workspace)
    .where(and(eq(workspace.id, id), isNull(workspace.deletedAt)));
  return rows[0];
}

/** The workspace, locked until the transaction ends. */
export async function lockWorkspace(db: Database, id: string): Promise<WorkspaceRow | undefined> {
  const rows = await db
    .select()
    .from(workspace)
    .where(and(eq(workspace.id, id), isNull(workspace.deletedAt)))
    .for("no key update");
  return rows[0];
}

/** Workspaces by id; of one team when `teamId` is given, else of the whole server. */
export async function listWorkspaces(db: Database, { limit, cursor }: Page, teamId?: string) {
  const after = decodeCursor(cursor, ["text"])?.[0];
  const rows = await db
    .select()
    .from(workspace)
    .where(
      and(
        isNull(workspace.deletedAt),
        teamId ? eq(workspace.teamId, teamId) : undefined,
        after ? gt(workspace.id, after) : undefined,
      ),
    )
    .orderBy(asc(workspace.id))
    .limit(limit + 1);
  return toPage(rows, limit, (row) => [row.id], toWorkspace);
}

export async function saveTeam(
  db: Database,
  row: { id: string; name: string; createdAt: Date },
): Promise<void> {
  await db.insert(team).values(row).onConflictDoNothing();
}

export async function findTeam(db: Database, id: string) {
  return (await db.select().from(team).where(eq(team.id, id)))[0];
}

export async function saveWorkspace(
  db: Database,
  row: { id: string; teamId: string; name: string; plan: Plan; dataKey: string; createdAt: Date },
): Promise<WorkspaceRow | undefined> {
  const rows = await db
    .insert(workspace)
    .values({ ...row, updatedAt: row.createdAt })
    .onConflictDoNothing()
    .returning();
  return rows[0];
}

export type WorkspaceChange = Partial<
  Pick<
    WorkspaceRow,
    "name" | "plan" | "requestsPerMinute" | "executionsPerMonth" | "retentionDays" | "suspendedAt"
  >
>;

export async function changeWorkspace(db: Database, id: string, change: WorkspaceChange, now: Date) {
  const rows = await db
    .update(workspace)
    .set({ ...change, updatedAt: now })
    .where(and(eq(workspace.id, id), isNull(workspace.deletedAt)))
    .returning();
  return rows[0];
}

export async function countContents(db: Database, workspaceId: string) {
  const [queues, keys, members] = await Promise.all([
    db.$count(queue, eq(queue.workspaceId, workspaceId)),
    db.$count(apiKey, and(eq(apiKey.workspaceId, workspaceId), isNull(apiKey.revokedAt))),
    db.$count(member, eq(member.workspaceId, workspaceId)),
  ]);
  return { queues, api_keys: keys, members };
}

/**
 * Leaves a tombstone: every key dies with it, and without its data key no secret of the workspace can be read
 * again. The audit chain stays. Rows are removed later, in small steps.
 */
export async function buryWorkspace(db: Database, id: string, now: Date): Promise<void> {
  await db
    .update(workspace)
    .set({ deletedAt: now, dataKey: null, updatedAt: now })
    .where(eq(workspace.id, id));
  await db
    .update(apiKey)
    .set({ revokedAt: sql`coalesce(${apiKey.revokedAt}, ${now.toISOString()})` })
    .where(eq(apiKey.workspaceId, id));
}

export function toWorkspace(row: WorkspaceRow): Workspace {
  const limits = limitsOf(row.plan, row);
  return {
    id: row.id,
    name: row.name,
    team_id: row.teamId,
    plan: row.plan,
    limits: {
      requests_per_minute: limits.requestsPerMinute,
      executions_per_month: limits.executionsPerMonth,
      retention_days: limits.retentionDays,
      audit_retention_days: limits.auditRetentionDays,
    },
    suspended_at: row.suspendedAt?.toISOString() ?? null,
    created_at: row.createdAt.toISOString(),
    updated_at: row.updatedAt.toISOString(),
  };
}
