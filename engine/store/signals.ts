// Signals: one run waits for each, by an id of its own choosing.

import { sql } from "drizzle-orm";
import type { Database } from "./database.ts";
import { resolveWaits } from "./waiters.ts";

export type SignalWait = { run: string; key: string; signal: string; isApproval: boolean };

/** False while another request completes the same signal. Held until the transaction ends. */
export async function holdSignal(db: Database, workspaceId: string, signal: string): Promise<boolean> {
  const [row] = await db.execute<{ held: boolean }>(
    sql`select pg_try_advisory_xact_lock(hashtextextended(${`signal|${workspaceId}|${signal}`}, 0)) as held`,
  );
  return row?.held ?? false;
}

export async function findSignalWait(
  db: Database,
  workspaceId: string,
  signal: string,
): Promise<SignalWait | undefined> {
  const [row] = await db.execute<SignalWait>(sql`
    select run_id as run, key, signal, approval is not null as "isApproval" from waiter
    where workspace_id = ${workspaceId} and signal = ${signal} and due_at > rotor_now()`);
  return row;
}

/** Approvals that a run waits for. */
export async function findApprovals(db: Database, workspaceId: string, runId: string) {
  return db.execute<SignalWait>(sql`
    select run_id as run, key, signal, true as "isApproval" from waiter
    where workspace_id = ${workspaceId} and run_id = ${runId} and approval is not null and due_at > rotor_now()`);
}

/** Was it completed, or did its time pass? */
export async function hasEnded(db: Database, workspaceId: string, signal: string): Promise<boolean> {
  const [row] = await db.execute<{ over: boolean }>(sql`
    select exists (select from signal_end where workspace_id = ${workspaceId} and signal = ${signal})
      or exists (select from waiter where workspace_id = ${workspaceId} and signal = ${signal}) as over`);
  return row?.over ?? false;
}

/** False when the wait ended otherwise in the meantime. */
export async function completeSignal(
  db: Database,
  { run, key }: SignalWait,
  data: unknown,
): Promise<boolean> {
  return (await resolveWaits(db, [{ run, key, outcome: { ok: data } }])).length > 0;
}
