// Signals: one run waits for each, by an id of its own choosing.

import { sql } from "drizzle-orm";
import { goByKeys } from "./by-keys.ts";
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

/**
 * Who waits for it; and, where nobody does, whether somebody did: it was completed, or its time has passed. Both as of
 * one moment, because a wait may be registered at any other.
 */
export async function findSignal(
  db: Database,
  workspaceId: string,
  signal: string,
): Promise<{ wait: SignalWait | undefined; isOver: boolean }> {
  const [row] = await db.execute<
    Omit<SignalWait, "run"> & { run: string | null; late: boolean; over: boolean }
  >(sql`
    select w.run_id as run, w.key, ${signal}::text as signal, w.approval is not null as "isApproval",
      w.due_at <= rotor_now() as late,
      exists (select from signal_end where workspace_id = ${workspaceId} and signal = ${signal}) as over
    from (values (1)) one left join waiter w on w.workspace_id = ${workspaceId} and w.signal = ${signal}`);
  if (!row?.run) return { wait: undefined, isOver: row?.over ?? false };
  const { run, key, isApproval, late } = row;
  return late ? { wait: undefined, isOver: true } : { wait: { run, key, signal, isApproval }, isOver: false };
}

/** Approvals that a run waits for. */
export async function findApprovals(db: Database, workspaceId: string, runId: string) {
  return db.execute<SignalWait>(sql`
    select run_id as run, key, signal, true as "isApproval" from waiter
    where workspace_id = ${workspaceId} and run_id = ${runId} and approval is not null and due_at > rotor_now()`);
}

/** False when the wait ended otherwise in the meantime. */
export async function completeSignal(
  db: Database,
  { run, key }: SignalWait,
  data: unknown,
): Promise<boolean> {
  await goByKeys(db);
  return (await resolveWaits(db, [{ run, key, outcome: { ok: data } }])).length > 0;
}
