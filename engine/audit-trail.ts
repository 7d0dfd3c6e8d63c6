// Turns a call into its audit event: who, through what, and what changed.

import { type ErrorCode, isRead, type Operation } from "@rotorsh/contract";
import type { Caller } from "./caller.ts";
import type { Change } from "./handler.ts";
import { appendAudit } from "./store/audit.ts";
import type { Database } from "./store/database.ts";

const masked = "•••";

/** Writes the event of a change. A handler that recorded nothing changed nothing. */
export async function auditChange(
  db: Database,
  caller: Caller,
  operation: Operation,
  change: Change,
  now: Date,
): Promise<void> {
  const workspaceId = change.workspaceId ?? caller.workspace?.id;
  if (!workspaceId || isRead(operation) || !operation.audit) return;
  const metadata = { before: maskSecrets(change.before ?? null), after: maskSecrets(change.after ?? null) };
  await append(db, caller, workspaceId, operation.audit, change.resource, metadata, now);
}

export async function auditDenied(
  db: Database,
  caller: Caller,
  what: string,
  code: ErrorCode,
  now: Date,
): Promise<void> {
  const workspaceId = caller.workspace?.id;
  if (!workspaceId) return;
  await append(db, caller, workspaceId, "access.denied", null, { operation: what, code }, now);
}

/** What happened without anybody's call. */
export async function auditSystem(
  db: Database,
  event: { workspaceId: string; type: string; resource: string; metadata: Record<string, unknown> },
  now: Date,
): Promise<void> {
  await appendAudit(db, {
    workspaceId: event.workspaceId,
    eventType: event.type,
    actorId: "system",
    actorRole: "system",
    resourceId: event.resource,
    metadata: event.metadata,
    surface: "system",
    client: null,
    requestId: null,
    traceId: null,
    ipAddress: null,
    userAgent: null,
    occurredAt: now,
  });
}

async function append(
  db: Database,
  caller: Caller,
  workspaceId: string,
  eventType: string,
  resourceId: string | null,
  metadata: Record<string, unknown>,
  now: Date,
): Promise<void> {
  const { surface, client, requestId, traceId, ip, userAgent } = caller.provenance;
  await appendAudit(db, {
    workspaceId,
    eventType,
    actorId: caller.actorId,
    actorRole: caller.role,
    resourceId,
    metadata,
    surface,
    client,
    requestId,
    traceId,
    ipAddress: ip,
    userAgent,
    occurredAt: now,
  });
}

/** Header values can carry credentials, so only their names are kept; one-time secrets never. */
function maskSecrets(value: object | null): object | null {
  if (value === null) return null;
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => {
      if (name === "callback_secret" || name === "key") return [name, masked];
      if (name !== "callback_headers") return [name, field];
      return [name, Object.fromEntries(Object.keys(field as object).map((header) => [header, masked]))];
    }),
  );
}
