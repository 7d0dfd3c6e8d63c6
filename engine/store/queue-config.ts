// What delivering a queue's jobs needs to know of the queue, read across workspaces.

import type postgres from "postgres";
import type { Backoff } from "../core/retry.ts";
import type { Owner } from "../vault/vault.ts";

export type QueueConfig = {
  uid: number;
  workspaceId: string;
  name: string;
  concurrency: number;
  timeoutMs: number;
  /** Null where nothing limits how many jobs start in a while. */
  ratePeriodMs: number | null;
  backoff: Backoff;
  /** Null for a pull queue: its workers fetch the jobs. */
  callbackUrl: string | null;
  /** True when workers of this pull queue wait on the broker. */
  isAwaited: boolean;
  callbackHeaders: Record<string, string>;
  /** Sealed; the newest first. */
  secrets: string[];
  owner: NonNullable<Owner>;
  /** True when what is claimed must be looked at once more: against lists, or against what was approved. */
  isGuarded: boolean;
};

/** What a queue's own settings say of a job that is not there yet. */
export async function findQueueSettings(
  sql: postgres.Sql,
  workspaceId: string,
  name: string,
): Promise<{ approvalRequired: boolean } | undefined> {
  const [row] = await sql<{ approval_required: boolean }[]>`
    select approval_required from queue where workspace_id = ${workspaceId} and name = ${name}`;
  return row && { approvalRequired: row.approval_required };
}

/** Undefined when the queue is gone, or its workspace may not work now. */
export async function readQueueConfig(sql: postgres.Sql, uid: number): Promise<QueueConfig | undefined> {
  const [row] = await sql`
    select q.workspace_id, q.name, q.concurrency, q.timeout_seconds, q.rate_limit, q.backoff, q.callback_url, q.callback_headers,
      coalesce(l.awaited_until > rotor_now(), false) as awaited, q.secret, case when q.previous_secret_until > rotor_now() then q.previous_secret end as previous, w.data_key,
      w.guard_version is not null or q.approval_required as guarded
    from queue q join workspace w on w.id = q.workspace_id left join queue_load l on l.queue_uid = q.uid
    where q.uid = ${uid} and w.deleted_at is null and w.suspended_at is null`;
  if (!row) return undefined;
  return {
    uid,
    workspaceId: row.workspace_id,
    name: row.name,
    concurrency: row.concurrency,
    timeoutMs: row.timeout_seconds * 1000,
    ratePeriodMs: row.rate_limit ? row.rate_limit.period_seconds * 1000 : null,
    backoff: row.backoff,
    callbackUrl: row.callback_url,
    isAwaited: row.awaited,
    callbackHeaders: row.callback_headers,
    secrets: [row.secret, row.previous].filter((secret) => secret !== null),
    owner: { id: row.workspace_id, dataKey: row.data_key },
    isGuarded: row.guarded,
  };
}
