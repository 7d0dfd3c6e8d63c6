// The audit log: one chain of events per workspace. Every hash covers the one before, so a changed or missing
// event breaks all that follow.

import { createHash, randomUUID } from "node:crypto";
import type { AuditEvent, Surface } from "@rotorsh/contract";
import { and, asc, desc, eq, gt, gte, like, lt, type SQL, sql } from "drizzle-orm";
import { must } from "../must.ts";
import type { Database } from "./database.ts";
import { decodeCursor, type Page, toPage } from "./page.ts";
import { auditEvent, auditHead } from "./schema.ts";

export type AuditRow = typeof auditEvent.$inferSelect;
export type NewAuditEvent = Omit<AuditRow, "id" | "seq" | "hash">;

const firstHash = "0".repeat(64);

/** Appends in the caller's transaction; the head row's lock makes the workspace's chain one line. */
export async function appendAudit(db: Database, event: NewAuditEvent): Promise<void> {
  const { workspaceId } = event;
  await db.insert(auditHead).values({ workspaceId, seq: 0, hash: firstHash }).onConflictDoNothing();
  const rows = await db.select().from(auditHead).where(eq(auditHead.workspaceId, workspaceId)).for("update");
  const head = must(rows[0], "the head of the audit chain");
  const entry = { ...clean(event), id: randomUUID(), seq: head.seq + 1 };
  const hash = hashOf(head.hash, entry);
  await db.insert(auditEvent).values({ ...entry, hash });
  await db.update(auditHead).set({ seq: entry.seq, hash }).where(eq(auditHead.workspaceId, workspaceId));
}

export type AuditFilter = {
  event_type?: string | undefined;
  actor_id?: string | undefined;
  resource_id?: string | undefined;
  surface?: Surface | undefined;
  from?: string | undefined;
  to?: string | undefined;
};

export async function listAudit(db: Database, workspaceId: string, filter: AuditFilter & Page) {
  const before = decodeCursor(filter.cursor, 1)?.[0] as number | undefined;
  const rows = await db
    .select()
    .from(auditEvent)
    .where(
      and(
        eq(auditEvent.workspaceId, workspaceId),
        before === undefined ? undefined : lt(auditEvent.seq, before),
        filter.event_type ? ofType(filter.event_type) : undefined,
        filter.actor_id ? eq(auditEvent.actorId, filter.actor_id) : undefined,
        filter.resource_id ? eq(auditEvent.resourceId, filter.resource_id) : undefined,
        filter.surface && eq(auditEvent.surface, filter.surface),
        filter.from ? gte(auditEvent.occurredAt, new Date(filter.from)) : undefined,
        filter.to ? lt(auditEvent.occurredAt, new Date(filter.to)) : undefined,
      ),
    )
    .orderBy(desc(auditEvent.seq))
    .limit(filter.limit + 1);
  return toPage(rows, filter.limit, (row) => [row.seq], toAuditEvent);
}

function ofType(type: string): SQL {
  if (!type.endsWith(".")) return eq(auditEvent.eventType, type);
  return like(auditEvent.eventType, `${type.replaceAll(/[\\%_]/g, "\\$&")}%`);
}

const verifyBatch = 1000;

/** Walks the chain from its start and names the first event that does not fit. */
export async function verifyAudit(db: Database, workspaceId: string) {
  const [head] = await db.select().from(auditHead).where(eq(auditHead.workspaceId, workspaceId));
  const last = { last_seq: head?.seq ?? 0, last_hash: head?.hash ?? firstHash };
  let previous = { seq: 0, hash: firstHash };
  for (;;) {
    const rows = await db
      .select()
      .from(auditEvent)
      .where(and(eq(auditEvent.workspaceId, workspaceId), gt(auditEvent.seq, previous.seq)))
      .orderBy(asc(auditEvent.seq))
      .limit(verifyBatch);
    for (const row of rows) {
      const { hash, ...entry } = row;
      const fits = row.seq === previous.seq + 1 && hash === hashOf(previous.hash, entry);
      if (!fits) return { valid: false, checked: previous.seq, ...last, first_bad_seq: previous.seq + 1 };
      previous = row;
    }
    if (rows.length < verifyBatch) break;
  }
  const whole = previous.seq === last.last_seq && previous.hash === last.last_hash;
  return { valid: whole, checked: previous.seq, ...last, first_bad_seq: whole ? null : previous.seq + 1 };
}

export async function ensureAuditPartitions(db: Database): Promise<void> {
  await db.execute(sql`select ensure_audit_partitions(rotor_now())`);
}

function hashOf(previous: string, entry: Omit<AuditRow, "hash">): string {
  return createHash("sha256").update(previous).update(canonical(entry)).digest("hex");
}

/** JSON with sorted keys: the same text before it is stored as after it is read. */
function canonical(value: unknown): string {
  if (value instanceof Date) return JSON.stringify(value.toISOString());
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value ?? null);
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  fields.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([key, field]) => `${JSON.stringify(key)}:${canonical(field)}`).join(",")}}`;
}

/** Postgres text holds no NUL; a caller's header or name can. */
function clean<T>(value: T): T {
  if (typeof value === "string") return value.replaceAll("\u0000", "�") as T;
  if (value instanceof Date || value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map(clean) as T;
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [clean(key), clean(field)])) as T;
}

function toAuditEvent(row: AuditRow): AuditEvent {
  return {
    id: row.id,
    workspace_id: row.workspaceId,
    seq: row.seq,
    event_type: row.eventType,
    actor_id: row.actorId,
    actor_role: row.actorRole,
    resource_id: row.resourceId,
    metadata: row.metadata,
    surface: row.surface,
    client: row.client,
    request_id: row.requestId,
    trace_id: row.traceId,
    ip_address: row.ipAddress,
    user_agent: row.userAgent,
    occurred_at: row.occurredAt.toISOString(),
    hash: row.hash,
  };
}
