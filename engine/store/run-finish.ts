// The ends of drives, many at once in one transaction. A drive whose lease is gone changes nothing (I4).

import type { StepRecord } from "@rotorsh/contract";
import { sql } from "drizzle-orm";
import { isTriedAgain, type Next, type RegisteredWait } from "../core/drive-end.ts";
import type { Database } from "./database.ts";
import { eventLock, lockEvents } from "./event-publish.ts";
import { endRuns, lockRuns, type RunEnd } from "./run-end.ts";
import { registerWaits } from "./run-waits.ts";
import { toRecords } from "./step-records.ts";

export type DriveEnd = {
  run: string;
  workspaceId: string;
  token: string;
  steps: readonly StepRecord[];
  /** Keys that the code asked for, when it came to its end. */
  asked: readonly string[] | null;
  next: Next;
  /** Nobody waits for the run: it has no parent. */
  isAlone: boolean;
  /** False when the app does not want to be told of the end. */
  hasHooks?: boolean;
};

const hookOf = { completed: "onSuccess", failed: "onFailure" } as const;

/** Can it be written by the one statement below? */
export function isSimple({ isAlone, asked, next }: DriveEnd): boolean {
  return isAlone && asked === null && (next.kind === "completed" || next.kind === "failed");
}

/** Simple ends as `end_alone` reads them; it does the same as finishDrives. */
export function endParameters(ends: readonly DriveEnd[]): [string, boolean, string] {
  const { json: steps, sends } = toRecords(
    ends.flatMap(({ run, token, steps }) => steps.map((step) => ({ run, token, step }))),
  );
  const sent = ends.flatMap(({ run, token, next }) =>
    next.kind === "completed" || next.kind === "failed"
      ? [
          {
            run,
            token,
            status: next.kind,
            output: next.kind === "completed" ? JSON.stringify(next.output ?? null) : null,
            error: next.kind === "failed" ? JSON.stringify(next.error) : null,
            hook: hookOf[next.kind],
          },
        ]
      : [],
  );
  return [steps, sends, JSON.stringify(sent)];
}

type Held = { run: string; token: string; look_from: string; trigger: string | null };

/** Answers those that still held their lease. */
export async function finishDrives(db: Database, ends: readonly DriveEnd[]): Promise<DriveEnd[]> {
  await lockEvents(db, namesWaitedFor(ends), "exclusive");
  await lockRuns(
    db,
    ends.map(({ run }) => run),
  );
  const held = await findHeld(db, ends);
  // By the lease: an older drive of the same run may end in the same moment.
  const mine = ends.filter(({ run, token }) => held.get(run)?.token === token);
  const sent = mine.flatMap(({ run, token, steps }) => steps.map((step) => ({ run, token, step })));
  if (sent.length > 0) {
    const { json, sends } = toRecords(sent);
    await db.execute(sql`select 1 from keep_steps(${json}::text::json, ${sends})`);
  }
  const refused = await registerWaits(
    db,
    mine.flatMap(({ run, workspaceId, next }) => {
      const [waits, isPart] = [waitsOf(next), next.kind !== "wait"];
      return waits.length > 0 ? [{ run, workspaceId, waits, isPart, ...toLook(held.get(run) as Held) }] : [];
    }),
  );
  await release(
    db,
    mine.filter(({ next }) => next.kind !== "completed" && next.kind !== "failed"),
  );
  await endRuns(db, [
    ...mine.flatMap(toEnd),
    ...refused.map(({ run, error }) => ({ run, status: "failed" as const, error })),
  ]);
  await noteUnasked(db, mine);
  return mine;
}

function waitsOf(next: Next): readonly RegisteredWait[] {
  if (next.kind === "wait") return next.waits;
  return (next.kind === "again" && next.retries) || [];
}

function* namesWaitedFor(ends: readonly DriveEnd[]): Generator<string> {
  for (const { workspaceId, next } of ends) {
    for (const wait of waitsOf(next)) if (wait.kind === "event") yield eventLock(workspaceId, wait.event);
  }
}

const toLook = ({ look_from: lookFrom, trigger }: Held) => ({ lookFrom, trigger });

/** Events of one message are published at one time: what came together with a run's trigger is after it. */
async function findHeld(db: Database, ends: readonly DriveEnd[]): Promise<Map<string, Held>> {
  const sent = JSON.stringify(ends.map(({ run, token }) => ({ run, token })));
  const rows = await db.execute<Held>(sql`
    select r.id as run, s.token, r.event_id as trigger, coalesce(
      case when r.look_from <= r.created_at and r.replay_of is null
        then published_at(r.workspace_id, r.event_id) end,
      r.look_from) as look_from
    from run r
    join json_to_recordset(${sent}::text::json) as s (run text, token uuid) on r.id = s.run and r.lease = s.token`);
  return new Map(rows.map((row) => [row.run, row]));
}

function toEnd({ run, next }: DriveEnd): RunEnd[] {
  if (next.kind === "completed") return [{ run, status: "completed", output: next.output }];
  return next.kind === "failed" ? [{ run, status: "failed", error: next.error }] : [];
}

/**
 * Gives the lease back. Who waits is due when the first of its waits is over; at once, when one of them has ended
 * already, or ended while the drive did not know of it: then events since that end count for the next drive's waits.
 */
async function release(db: Database, ends: readonly DriveEnd[]): Promise<void> {
  if (ends.length === 0) return;
  const sent = ends.map(({ run, next }) => ({
    run,
    kind: next.kind,
    status: next.kind === "wait" ? next.status : next.kind === "retry" ? "sleeping" : null,
    in_ms: "inMs" in next ? Math.round(next.inMs) : null,
    failures: next.kind === "again" ? next.failures : 0,
    error: "error" in next && next.error ? JSON.stringify(next.error) : null,
    hook: next.kind === "told" ? next.hook : null,
    keys: next.kind === "wait" ? next.waits.map(({ key }) => key) : [],
    looked: hasArrived(next),
  }));
  await db.execute(sql`
    with clock as materialized (select rotor_now() as now), sent as (
      select * from json_to_recordset(${JSON.stringify(sent)}::text::json) as s (run text, kind text, status text,
        in_ms bigint, failures int, error text, hook text, keys json,
        looked boolean)
    )
    update run r set lease = null, failures = s.failures, changed = pg_current_xact_id(),
      running_ms = r.running_ms + case when r.ended_at is null then ms_between(r.since, clock.now) else 0 end,
      since = case when r.ended_at is null then clock.now else r.since end,
      status = case when r.ended_at is not null then r.status when s.status is not null then s.status
        when s.kind = 'again' and s.failures = 0 then 'running' else 'waiting' end,
      look_from = case when not s.looked then r.look_from else (
        select min(coalesce(published_at(t.workspace_id, t.event_id), t.ended_at)) from step t
        where t.run_id = s.run and t.outcome is not null and t.key in (select json_array_elements_text(s.keys))) end,
      attempt = r.attempt + case when s.kind = 'retry' then 1 else 0 end,
      error = case when s.kind = 'told' then r.error else s.error end,
      hook = case when s.kind = 'told' then null else r.hook end,
      hook_errors = case when s.kind = 'told' and s.error is not null
        then coalesce(r.hook_errors, '[]') || jsonb_build_object('hook', s.hook, 'error', s.error::jsonb, 'at', clock.now)
        else r.hook_errors end,
      due_at = case
        when s.kind = 'told' then null
        when s.kind <> 'wait' then clock.now + s.in_ms * interval '1 millisecond'
        when exists (select from step t where t.run_id = s.run and t.outcome is not null
          and t.key in (select json_array_elements_text(s.keys))) then clock.now
        else (select min(w.due_at) from waiter w where w.run_id = s.run) end
    from sent s, clock where r.id = s.run`);
}

/**
 * Did the code come to where it waits? A drive that broke off, yielded or only has to try a step again may have caused
 * events already that are for a wait of the next one.
 */
function hasArrived(next: Next): boolean {
  return next.kind === "wait" && next.waits.every(({ kind }) => !isTriedAgain(kind));
}

/** Steps with a result that the code came to its end without: it has changed. It is said, and nothing else. */
async function noteUnasked(db: Database, ends: readonly DriveEnd[]): Promise<void> {
  const sent = ends.flatMap(({ run, asked }) => (asked ? [{ run, asked }] : []));
  if (sent.length === 0) return;
  await db.execute(sql`
    update run r set unasked = u.names, changed = pg_current_xact_id()
    from (
      select s.run, array_agg(t.name order by t.seq) as names
      from json_to_recordset(${JSON.stringify(sent)}::text::json) as s (run text, asked json)
      join step t on t.run_id = s.run
      where t.key not in (select json_array_elements_text(s.asked))
      group by s.run
    ) u where r.id = u.run`);
}
