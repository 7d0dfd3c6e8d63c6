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
type Head = { seq: number; hash: string };

const firstHash = "0".repeat(64);

/** Appends in the caller's transaction; the head row's lock makes the workspace's chain one line. */
export async function appendAudit(db: Database, event: NewAuditEvent): Promise<void> {
  const { workspaceId } = event;
  const head = (await lockHead(db, workspaceId)) ?? (await startChain(db, workspaceId));
  const entry = { ...clean(event), id: randomUUID(), seq: head.seq + 1 };
  const hash = hashOf(head.hash, entry);
  await db.insert(auditEvent).values({ ...entry, hash });
  await db.update(auditHead).set({ seq: entry.seq, hash }).where(eq(auditHead.workspaceId, workspaceId));
}

async function lockHead(db: Database, workspaceId: string): Promise<Head | undefined> {
  const rows = await db.select().from(auditHead).where(eq(auditHead.workspaceId, workspaceId)).for("update");
  return rows[0];
}

async function startChain(db: Database, workspaceId: string): Promise<Head> {
  await db.insert(auditHead).values({ workspaceId, seq: 0, hash: firstHash }).onConflictDoNothing();
  return must(await lockHead(db, workspaceId), "the head of the audit chain");
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
  const before = decodeCursor(filter.cursor, ["number"])?.[0];
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
  let previous: Head = { seq: 0, hash: firstHash };
  for (;;) {
    const { head, events } = await readChain(db, workspaceId, previous.seq);
    const last = { last_seq: head.seq, last_hash: head.hash };
    for (const { hash, ...entry } of events) {
      const fits = entry.seq === previous.seq + 1 && hash === hashOf(previous.hash, entry);
      if (!fits) return { valid: false, checked: previous.seq, ...last, first_bad_seq: previous.seq + 1 };
      previous = { seq: entry.seq, hash };
    }
    if (events.length === verifyBatch) continue;
    const valid = previous.seq === head.seq && previous.hash === head.hash;
    return { valid, checked: previous.seq, ...last, first_bad_seq: valid ? null : previous.seq + 1 };
  }
}

/** The next events and the head as of the same moment: events may be appended while the chain is walked. */
async function readChain(db: Database, workspaceId: string, after: number) {
  // From a row that always exists, so that events without a head are seen too.
  const rows = await db
    .select({ head: auditHead, event: auditEvent })
    .from(sql`(values (1)) as one`)
    .leftJoin(auditHead, eq(auditHead.workspaceId, workspaceId))
    .leftJoin(auditEvent, and(eq(auditEvent.workspaceId, workspaceId), gt(auditEvent.seq, after)))
    .orderBy(asc(auditEvent.seq))
    .limit(verifyBatch);
  return {
    head: rows[0]?.head ?? { seq: 0, hash: firstHash },
    events: rows.flatMap(({ event }) => event ?? []),
  };
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

/** One line each, so that an export or a terminal shows what happened; and Postgres holds neither NUL nor half a character. */
function clean<T>(value: T): T {
  if (typeof value === "string") return value.replaceAll(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/gu, "�") as T;
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
