// What runs wait for: registering it, and ending a wait with an outcome. A run's row is always locked before its
// waiters, and several runs in the order of their numbers.

import type { Memo } from "@rotorsh/contract";
import { equalityOf, indexValue, valueAt } from "@rotorsh/contract";
import { sql } from "drizzle-orm";
import { compileMatch, isMatching } from "../match-cache.ts";
import type { Database } from "./database.ts";
import { hashed } from "./hashed.ts";

type WaitedFor = { workspaceId: string; name: string; data: unknown; ts: number; id: string };

export type Resolved = {
  run: string;
  key: string;
  outcome: Memo;
  /** What ended it, if that was an event. */
  eventId?: string;
};

/** Ends every wait that one of these events fits; the first of them that does is the step's result. */
export async function wakeWaiters(db: Database, events: readonly WaitedFor[]): Promise<void> {
  const candidates = await findCandidates(db, events);
  const resolved = new Map<string, Resolved>();
  for (const { ord, run, key, match } of candidates) {
    const event = events[ord] as WaitedFor;
    const place = `${run}|${key}`;
    if (resolved.has(place) || !isMatching(match, event)) continue;
    resolved.set(place, { run, key, outcome: { ok: event.data ?? null }, eventId: event.id });
  }
  await resolveWaits(db, [...resolved.values()]);
}

type Candidate = { ord: number; run: string; key: string; match: string | null };

/**
 * Waits that compare a field are found by its value: those with another value are not looked at, however many there
 * are.
 */
async function findCandidates(db: Database, events: readonly WaitedFor[]): Promise<Candidate[]> {
  const names = events.map(({ workspaceId: ws, name }, ord) => ({ ord, ws, name }));
  const paths = await db.execute<{ ord: number; path: string }>(sql`
    select n.ord, p.path from json_to_recordset(${JSON.stringify(names)}::text::json) as n (ord int, ws text, name text)
    join waiter_path p on p.workspace_id = n.ws and p.event = n.name`);
  const keys = [
    ...names.map((name) => ({ ...name, path: "", value: "" })),
    ...paths.flatMap(({ ord, path }) => {
      const value = indexValue(valueAt(events[ord] as WaitedFor, JSON.parse(path) as string[]));
      return value === undefined
        ? []
        : [{ ...(names[ord] as (typeof names)[0]), path, value: hashed(value) }];
    }),
  ];
  return db.execute<Candidate>(sql`
    select k.ord, w.run_id as run, w.key, w.match
    from json_to_recordset(${JSON.stringify(keys)}::text::json) as k (ord int, ws text, name text, path text, value text)
    cross join lateral (
      select * from waiter w where w.workspace_id = k.ws and w.event = k.name and w.match_path = k.path
        and w.match_value = k.value offset 0) w
    order by k.ord`);
}

/** The index key of a match: a field and the value it must have, or two empty texts. */
export function matchKey(match: string | undefined): { path: string; value: string } {
  const equality = match === undefined ? undefined : equalityOf(compileMatch(match));
  const value = equality && indexValue(equality.value);
  if (!equality || value === undefined) return { path: "", value: "" };
  return { path: JSON.stringify(equality.path), value: hashed(value) };
}

/**
 * Ends waits with outcomes and wakes their runs. A wait that something else ended by then stays as it ended. A function
 * that failed as a whole is tried again at its time, and not sooner.
 */
export async function resolveWaits(db: Database, resolved: readonly Resolved[]): Promise<string[]> {
  if (resolved.length === 0) return [];
  const sent = resolved.map(({ run, key, outcome, eventId }) => ({
    ...{ run, key, outcome: JSON.stringify(outcome) },
    event_id: eventId ?? null,
  }));
  const rows = JSON.stringify(sent);
  await db.execute(sql`
    select 1 from run where id in (select run from json_to_recordset(${rows}::text::json) as r (run text))
    order by seq for update`);
  const ended = await db.execute<{ run: string }>(sql`
    with sent as (
      select * from json_to_recordset(${rows}::text::json) as r (run text, key text, outcome text, event_id text)
    ), over as (
      delete from waiter w using sent s where w.run_id = s.run and w.key = s.key returning w.*, s.outcome, s.event_id
    ), forgotten as (
      insert into signal_end (workspace_id, signal, run_id, ended_at)
      select workspace_id, signal, run_id, rotor_now() from over where kind = 'signal'
      on conflict (workspace_id, signal) do update set run_id = excluded.run_id, ended_at = excluded.ended_at
    ), kept as (
      insert into step (run_id, key, workspace_id, name, kind, outcome, attempts, duration_ms, started_at, ended_at, child_run,
        event_id)
      select run_id, key, workspace_id, name, kind, outcome, 1, 0, created_at, rotor_now(), child_run, event_id from over
      on conflict (run_id, key) do nothing
    ), woken as (
      update run r set due_at = case when r.status = 'sleeping' and r.error is not null then r.due_at
          else least(r.due_at, rotor_now()) end, changed = pg_current_xact_id(),
        look_from = coalesce(r.look_from, least(greatest(r.since, r.due_at), o.at))
      from (
        select run_id, min(coalesce(published_at(workspace_id, event_id), rotor_now())) as at from over group by run_id
      ) o
      where r.id = o.run_id and r.lease is null and r.ended_at is null
    )
    select distinct run_id as run from over`);
  return ended.map(({ run }) => run);
}
