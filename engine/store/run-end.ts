// The end of runs, however it comes: their waits are over, the app is to be told if it wants to be, and a parent
// that waits for one of them goes on. The rows of the runs and of their parents are locked by the caller.

import type { Memo, StepErrorBody } from "@rotorsh/contract";
import { sql } from "drizzle-orm";
import type { Database } from "./database.ts";
import { resolveWaits } from "./waiters.ts";

export type RunEnd = { run: string } & (
  | { status: "completed"; output: unknown }
  | { status: "failed"; error: StepErrorBody }
  | { status: "cancelled" }
);

const hookOf = { completed: "onSuccess", failed: "onFailure", cancelled: "onCancel" } as const;

type Awaited = {
  parent: string;
  key: string;
  child: string;
  status: RunEnd["status"];
  output: string | null;
  error: string | null;
};

/** Answers the ids of those that had not ended before. A run has one end (I2). */
export async function endRuns(db: Database, ends: readonly RunEnd[]): Promise<string[]> {
  if (ends.length === 0) return [];
  const sent = JSON.stringify(
    ends.map((end) => ({
      run: end.run,
      status: end.status,
      output: end.status === "completed" ? JSON.stringify(end.output ?? null) : null,
      error: end.status === "failed" ? JSON.stringify(end.error) : null,
      hook: hookOf[end.status],
    })),
  );
  const rows = await db.execute<{ id: string } & Awaited>(sql`
    with sent as (
      select * from json_to_recordset(${sent}::text::json) as s (run text, status text, output text, error text, hook text)
    ), clock as materialized (select rotor_now() as now), ended as (
      update run r set status = s.status, output = s.output, error = s.error, ended_at = clock.now, lease = null,
        failures = 0, hook = told.hook, due_at = case when told.hook is not null then clock.now end,
        queued_ms = r.queued_ms + case when r.status = 'pending' then ms_between(r.since, clock.now) else 0 end,
        waiting_ms = r.waiting_ms + case when r.lease is null and r.status <> 'pending'
          then ms_between(r.since, clock.now) else 0 end,
        running_ms = r.running_ms + case when r.lease is not null then ms_between(r.since, clock.now) else 0 end,
        since = clock.now, changed = pg_current_xact_id()
      from sent s cross join lateral (select * from run where id = s.run and ended_at is null offset 0) o
      left join lateral (
        select s.hook from workflow w where w.workspace_id = o.workspace_id and w.id = o.workflow_id
          and s.hook = any(w.hooks) and w.archived_at is null
          -- Who never started has nothing to clean up.
          and (s.status <> 'cancelled' or o.started_at is not null)
      ) told on true, clock
      where r.id = o.id
      returning r.id, r.status, r.output, r.error
    ), gone as (
      delete from waiter w using ended e where w.run_id = e.id
    )
    select e.id, w.run_id as parent, w.key, e.id as child, e.status, e.output, e.error
    from ended e left join waiter w on w.child_run = e.id`);
  await resolveWaits(
    db,
    rows.flatMap((row) =>
      row.parent === null ? [] : [{ run: row.parent, key: row.key, outcome: outcomeOf(row) }],
    ),
  );
  return rows.map(({ id }) => id);
}

/** What the parent's `step.invoke` comes to. */
function outcomeOf({ child, status, output, error }: Awaited): Memo {
  if (status === "completed") return { ok: { result: JSON.parse(output ?? "null"), runId: child } };
  const data = { runId: child };
  if (status === "cancelled") {
    return {
      error: { name: "WorkflowCancelledError", message: `The invoked run ${child} was cancelled.`, data },
    };
  }
  const { name = "Error", message = "" } = JSON.parse(error ?? "{}") as Partial<StepErrorBody>;
  return { error: { name: "WorkflowFailedError", message: `${name}: ${message}`, data } };
}

/** Locks runs together with the parents that wait for them, in the order of their numbers. */
export async function lockRuns(db: Database, ids: readonly string[]): Promise<void> {
  const sent = JSON.stringify(ids);
  await db.execute(sql`
    with named as (select json_array_elements_text(${sent}::text::json) as id)
    select 1 from run where id in (
      select id from named union select r.parent_run from run r join named n on n.id = r.id where r.parent_run is not null
    ) order by seq for update`);
}
