import { and, eq, sql } from "drizzle-orm";
import { monthOf } from "../core/period.ts";
import type { Database } from "./database.ts";
import { usage } from "./schema.ts";

/** The row that counts a whole workspace; no queue has this name. */
const whole = "";

const periodKey = (now: Date) => monthOf(now).from.toISOString().slice(0, 10);

export async function countExecutions(db: Database, workspaceId: string, now: Date) {
  const rows = await db
    .select({ queueName: usage.queueName, executions: usage.executions })
    .from(usage)
    .where(and(eq(usage.workspaceId, workspaceId), eq(usage.period, periodKey(now))));
  const byQueue = rows.filter(({ queueName }) => queueName !== whole);
  return {
    total: rows.find(({ queueName }) => queueName === whole)?.executions ?? 0,
    byQueue: Object.fromEntries(byQueue.map(({ queueName, executions }) => [queueName, executions])),
  };
}

export type Execution = { workspaceId: string; queueName: string; count: number; limit: number | null };

/**
 * Counts executions, all of them or none: false when they would pass the month's limit. One conditional
 * statement under the row's lock, so any number of processes together never pass it.
 */
export async function takeQuota(
  db: Database,
  { workspaceId, queueName, count, limit }: Execution,
  now: Date,
) {
  const period = periodKey(now);
  const taken = await db.execute<{ executions: string }>(sql`
    insert into usage as u (workspace_id, period, queue_name, executions)
    select ${workspaceId}, ${period}, ${whole}, ${count}::bigint
    where ${limit}::bigint is null or ${count}::bigint <= ${limit}::bigint
    on conflict (workspace_id, period, queue_name) do update set executions = u.executions + excluded.executions
    where ${limit}::bigint is null or u.executions + excluded.executions <= ${limit}::bigint
    returning executions`);
  if (taken.length === 0) return false;
  await db.execute(sql`
    insert into usage as u (workspace_id, period, queue_name, executions)
    values (${workspaceId}, ${period}, ${queueName}, ${count}::bigint)
    on conflict (workspace_id, period, queue_name) do update set executions = u.executions + excluded.executions`);
  return true;
}
