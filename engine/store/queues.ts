import type { Contract, OutputOf } from "@rotorsh/contract";
import { and, asc, eq, gt, isNotNull, isNull, sql } from "drizzle-orm";
import type { QueueSettings } from "../core/queue-settings.ts";
import type { Owner, Vault } from "../vault/vault.ts";
import type { Database } from "./database.ts";
import { decodeCursor, type Page, toPage } from "./page.ts";
import { queue } from "./schema.ts";

export type QueueRow = typeof queue.$inferSelect;
export type QueueKey = { workspaceId: string; name: string };
export type QueueSecrets = Pick<QueueRow, "secret" | "previousSecret" | "previousSecretUntil">;

const at = ({ workspaceId, name }: QueueKey) => and(eq(queue.workspaceId, workspaceId), eq(queue.name, name));

export async function findQueue(db: Database, key: QueueKey): Promise<QueueRow | undefined> {
  return (await db.select().from(queue).where(at(key)))[0];
}

/** The queue, locked until the transaction ends. */
export async function lockQueue(db: Database, key: QueueKey): Promise<QueueRow | undefined> {
  return (await db.select().from(queue).where(at(key)).for("update"))[0];
}

export async function listQueues(
  db: Database,
  workspaceId: string,
  { limit, cursor, state }: Page & { state?: "active" | "paused" | undefined },
) {
  const after = decodeCursor(cursor, ["text"])?.[0];
  const rows = await db
    .select()
    .from(queue)
    .where(
      and(
        eq(queue.workspaceId, workspaceId),
        after ? gt(queue.name, after) : undefined,
        state && (state === "paused" ? isNotNull(queue.pausedAt) : isNull(queue.pausedAt)),
      ),
    )
    .orderBy(asc(queue.name))
    .limit(limit + 1);
  return toPage(
    rows,
    limit,
    (row) => [row.name],
    (row) => row,
  );
}

/** The new queue, or undefined when the name is taken. */
export async function insertQueue(
  db: Database,
  key: QueueKey,
  settings: QueueSettings & QueueSecrets,
  now: Date,
): Promise<QueueRow | undefined> {
  const rows = await db
    .insert(queue)
    .values({ ...key, ...settings, createdAt: now, updatedAt: now })
    .onConflictDoNothing()
    .returning();
  return rows[0];
}

export async function changeQueue(
  db: Database,
  key: QueueKey,
  change: Partial<QueueSettings & QueueSecrets & { pausedAt: Date | null }>,
  now: Date,
): Promise<QueueRow | undefined> {
  const rows = await db
    .update(queue)
    .set({ ...change, updatedAt: now })
    .where(at(key))
    .returning();
  return rows[0];
}

/** The queue is gone at once; its rows are removed later, in small steps (see purge.ts). */
export async function deleteQueue(db: Database, { workspaceId, name }: QueueKey): Promise<void> {
  await db.execute(sql`
    with gone as (delete from queue where workspace_id = ${workspaceId} and name = ${name} returning uid)
    insert into queue_gone (queue_uid, workspace_id, deleted_at) select uid, ${workspaceId}, rotor_now() from gone`);
}

/** Shown instead of a header's value. Printable ASCII, so that it may be sent back where it stood. */
export const maskedHeader = "***";

// What a sealed value is bound to: it cannot be moved to another queue or header.
export const secretPurpose = (queueName: string) => `queue|${queueName}`;
export const headerPurpose = (queueName: string, header: string) => `queue|${queueName}|header|${header}`;

type SealedHeaders = { name: string; callbackHeaders: Record<string, string> };

/** The header values in the clear, for a request that is about to be sent. */
export function openHeaders(
  vault: Vault,
  owner: Owner,
  { name, callbackHeaders }: SealedHeaders,
): Record<string, string> {
  const open = ([header, sealed]: [string, string]) => [
    header,
    vault.open(owner, headerPurpose(name, header), sealed),
  ];
  return Object.fromEntries(Object.entries(callbackHeaders).map(open));
}

export function settingsOf(row: QueueRow): QueueSettings {
  const { concurrency, retryAttempts, backoff, timeoutSeconds, rateLimit, callbackUrl, callbackHeaders } =
    row;
  const { approvalRequired, approvalTimeoutSeconds, fourEyes } = row;
  return {
    ...{ concurrency, retryAttempts, backoff, timeoutSeconds, rateLimit, callbackUrl, callbackHeaders },
    ...{ approvalRequired, approvalTimeoutSeconds, fourEyes },
  };
}

export function toQueue(row: QueueRow): OutputOf<Contract["queues"]["pause"]> {
  return {
    name: row.name,
    state: row.pausedAt ? "paused" : "active",
    mode: row.callbackUrl ? "callback" : "pull",
    concurrency: row.concurrency,
    retry_attempts: row.retryAttempts,
    backoff: row.backoff,
    timeout_seconds: row.timeoutSeconds,
    rate_limit: row.rateLimit,
    callback_url: row.callbackUrl,
    callback_headers: Object.fromEntries(
      Object.keys(row.callbackHeaders).map((name) => [name, maskedHeader]),
    ),
    approval_required: row.approvalRequired,
    approval_timeout_seconds: row.approvalTimeoutSeconds,
    four_eyes: row.fourEyes,
    defaultJobOptions: {
      attempts: row.retryAttempts,
      backoff: { type: row.backoff.type, delay: row.backoff.delay },
    },
    previous_secret_valid_until: row.previousSecretUntil?.toISOString() ?? null,
    created_at: row.createdAt.toISOString(),
    updated_at: row.updatedAt.toISOString(),
  };
}
