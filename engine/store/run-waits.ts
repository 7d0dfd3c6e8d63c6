// Registering what the code of a run waits for, at the end of a drive. The run's row and, for events, the locks of
// their names are held.

import type { StepErrorBody } from "@rotorsh/contract";
import { sql } from "drizzle-orm";
import type { RegisteredWait } from "../core/drive-end.ts";
import { newId } from "../ids.ts";
import type { Database } from "./database.ts";
import { lookBack } from "./look-back.ts";
import { insertRuns } from "./run-start.ts";
import { matchKey, type Resolved, resolveWaits } from "./waiters.ts";

export type Registration = {
  run: string;
  workspaceId: string;
  /** Events since then are not missed. */
  lookFrom: string;
  /** The event that started the run. */
  trigger: string | null;
  waits: readonly RegisteredWait[];
  /** The drive broke off: waits that it did not come to stay as they are. */
  isPart: boolean;
};

export type Refused = { run: string; error: StepErrorBody };

/** Answers the runs that cannot wait as they want to. */
export async function registerWaits(
  db: Database,
  registrations: readonly Registration[],
): Promise<Refused[]> {
  if (registrations.length === 0) return [];
  const children = new Map<string, string>();
  const sent = registrations.flatMap((one) => one.waits.map((wait) => toRow(one, wait, children)));
  await dropUnasked(db, registrations);
  await noteRetries(db, registrations);
  const rows = JSON.stringify(sent);
  await db.execute(sql`
    insert into waiter_path (workspace_id, event, path)
    select distinct ws, event, path from json_to_recordset(${rows}::text::json) as w (ws text, event text, path text)
    where event is not null and path <> '' order by 1, 2, 3 on conflict do nothing`);
  const made = await db.execute<{ run: string; key: string }>(sql`
    with clock as materialized (select rotor_now() as now), sent as (
      select * from json_to_recordset(${rows}::text::json) as w (run text, ws text, key text, name text, kind text,
        in_ms bigint, until bigint, event text, match text, path text, value text, signal text, approval jsonb, child text)
    )
    insert into waiter (run_id, key, workspace_id, name, kind, due_at, event, match, match_path, match_value, signal,
      approval, child_run, created_at)
    select run, key, ws, name, kind,
      case when until is not null then to_timestamp(until / 1000.0) else now + in_ms * interval '1 millisecond' end,
      event, match, path, value, signal, approval, child, now
    from sent s, clock
    where not exists (select from step t where t.run_id = s.run and t.key = s.key and t.outcome is not null)
    on conflict do nothing returning run_id as run, key`);
  const isMade = new Set(made.map(({ run, key }) => `${run}|${key}`));
  await startChildren(db, registrations, children, isMade);
  await endEarly(db, registrations, isMade);
  return findCollisions(db, registrations, isMade);
}

function toRow({ run, workspaceId }: Registration, wait: RegisteredWait, children: Map<string, string>) {
  const base = { run, ws: workspaceId, key: wait.key, name: wait.name, kind: wait.kind };
  switch (wait.kind) {
    case "sleep":
      return "until" in wait
        ? { ...base, until: Math.round(wait.until) }
        : { ...base, in_ms: Math.round(wait.forMs) };
    case "retry":
      return { ...base, in_ms: wait.inMs };
    case "later":
      // It is there and stays. If not, the app is mistaken, and asks for the step again soon.
      return { ...base, kind: "retry", in_ms: 1000 };
    case "event":
      return {
        ...base,
        in_ms: Math.round(wait.timeoutMs),
        event: wait.event,
        match: wait.match,
        ...matchKey(wait.match),
      };
    case "signal": {
      const approval = wait.approval ?? (wait.signal.startsWith("approval-") ? {} : undefined);
      return { ...base, in_ms: Math.round(wait.timeoutMs), signal: wait.signal, approval };
    }
    case "invoke": {
      const child = newId("run");
      children.set(`${run}|${wait.key}`, child);
      return { ...base, in_ms: Math.round(wait.timeoutMs), child };
    }
  }
}

/** Waits of an earlier drive that this one no longer asks for. */
async function dropUnasked(db: Database, registrations: readonly Registration[]): Promise<void> {
  const whole = registrations.filter(({ isPart }) => !isPart);
  const asked = whole.flatMap(({ run, waits }) => waits.map(({ key }) => ({ run, key })));
  await db.execute(sql`
    with asked as (
      select * from json_to_recordset(${JSON.stringify(asked)}::text::json) as a (run text, key text)
    )
    delete from waiter w where w.run_id = any(array(select run from asked))
      and not exists (select from asked a where a.run = w.run_id and a.key = w.key)`);
}

async function noteRetries(db: Database, registrations: readonly Registration[]): Promise<void> {
  const retries = registrations.flatMap(({ run, workspaceId: ws, waits }) =>
    waits.flatMap((wait) =>
      wait.kind === "retry"
        ? [
            {
              run,
              ws,
              key: wait.key,
              name: wait.name,
              error: JSON.stringify(wait.error),
              attempt: wait.attempt,
              ms: Math.round(wait.durationMs),
              in_ms: wait.inMs,
            },
          ]
        : [],
    ),
  );
  if (retries.length === 0) return;
  await db.execute(sql`
    insert into step as s (run_id, key, workspace_id, name, kind, error, attempts, duration_ms, running_ms, waiting_ms,
      started_at, ended_at)
    select run, key, ws, name, 'run', error, attempt, ms, ms, in_ms, rotor_now() - ms * interval '1 millisecond', rotor_now()
    from json_to_recordset(${JSON.stringify(retries)}::text::json) as r (
      run text, ws text, key text, name text, error text, attempt int, ms int, in_ms bigint)
    on conflict (run_id, key) do update set error = excluded.error, attempts = excluded.attempts,
      duration_ms = excluded.duration_ms, running_ms = s.running_ms + excluded.running_ms,
      waiting_ms = s.waiting_ms + excluded.waiting_ms, ended_at = excluded.ended_at, changed = excluded.changed
      where s.outcome is null`);
}

async function startChildren(
  db: Database,
  registrations: readonly Registration[],
  children: ReadonlyMap<string, string>,
  isMade: ReadonlySet<string>,
): Promise<void> {
  const invokes = registrations.flatMap(({ run, workspaceId, waits }) =>
    waits.flatMap((wait) =>
      wait.kind === "invoke" && isMade.has(`${run}|${wait.key}`) ? [{ run, workspaceId, wait }] : [],
    ),
  );
  const started = await insertRuns(
    db,
    invokes.map(({ run, workspaceId, wait }) => ({
      id: children.get(`${run}|${wait.key}`) as string,
      workspaceId,
      workflowId: wait.workflow,
      idempotencyKey: null,
      eventId: null,
      eventName: null,
      eventTs: Date.now(),
      input: JSON.stringify(wait.data ?? null),
      provenance: { parent: run },
      parentRun: run,
      parentKey: wait.key,
      asChild: true,
    })),
  );
  const failed = started.flatMap((one, index): Resolved[] => {
    if (one.kind !== "no workflow") return [];
    const { run, wait } = invokes[index] as (typeof invokes)[0];
    const message = `Step ${wait.name} invokes "${wait.workflow}", and no workflow with that id can be invoked: it is not registered, archived, or has a cron trigger.`;
    return [{ run, key: wait.key, outcome: { error: { name: "WorkflowFailedError", message } } }];
  });
  await resolveWaits(db, failed);
}

/** Events that came before their wait was registered, and count for it. */
async function endEarly(
  db: Database,
  registrations: readonly Registration[],
  isMade: ReadonlySet<string>,
): Promise<void> {
  const waits = registrations.flatMap(({ run, workspaceId, lookFrom, trigger, waits }) =>
    waits.flatMap((wait) =>
      wait.kind === "event" && isMade.has(`${run}|${wait.key}`)
        ? [
            {
              run,
              workspaceId,
              key: wait.key,
              event: wait.event,
              match: wait.match,
              since: lookFrom,
              trigger,
            },
          ]
        : [],
    ),
  );
  await resolveWaits(db, await lookBack(db, waits));
}

/** A signal that another run waits for already cannot be waited for twice. */
async function findCollisions(
  db: Database,
  registrations: readonly Registration[],
  isMade: ReadonlySet<string>,
): Promise<Refused[]> {
  const unsure = registrations.flatMap(({ run, workspaceId: ws, waits }) =>
    waits.flatMap((wait) =>
      wait.kind === "signal" && !isMade.has(`${run}|${wait.key}`)
        ? [{ run, ws, key: wait.key, signal: wait.signal }]
        : [],
    ),
  );
  if (unsure.length === 0) return [];
  const rows = await db.execute<{ run: string; signal: string }>(sql`
    select s.run, s.signal from json_to_recordset(${JSON.stringify(unsure)}::text::json)
      as s (run text, ws text, key text, signal text)
    where not exists (select from waiter w where w.run_id = s.run and w.key = s.key)
      and not exists (select from step t where t.run_id = s.run and t.key = s.key and t.outcome is not null)`);
  return rows.map(({ run, signal }) => ({
    run,
    error: {
      name: "SignalConflictError",
      message: `The signal "${signal}" is already waited for in this workspace; signal ids must be unique, for instance by the run's id.`,
    },
  }));
}
