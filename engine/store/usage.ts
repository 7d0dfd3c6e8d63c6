import { and, eq } from "drizzle-orm";

import { monthOf } from "../core/period.ts";
import type { Database, Statements } from "./database.ts";
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

/** The whole workspace's executions of this month, in the caller's transaction. */
export async function readExecutions(sql: Statements, workspaceId: string) {
  const [row] = await sql<{ executions: string | null; now: string }[]>`
    select (select executions from usage where workspace_id = ${workspaceId} and queue_name = ${whole}
      and period = date_trunc('month', rotor_now() at time zone 'UTC')::date) as executions, rotor_now() as now`;
  return { executions: Number(row?.executions ?? 0), now: row ? new Date(row.now) : new Date() };
}
