// Publishing events: storing them, starting the runs they trigger, and waking the runs that wait for them, all in
// one transaction. Who registers a wait takes the same lock exclusively, so neither misses the other (I7).

import { randomUUID } from "node:crypto";
import { sql } from "drizzle-orm";
import { newId } from "../ids.ts";
import { isMatching } from "../match-cache.ts";
import type { Access, Database } from "./database.ts";
import { cancelRuns } from "./run-cancel.ts";
import { insertRuns, type NewRun, type Take, toClaimed } from "./run-start.ts";
import { wakeWaiters } from "./waiters.ts";

export type NewEvent = {
  workspaceId: string;
  id: string;
  name: string;
  data: unknown;
  /** Milliseconds since 1970; null for now. */
  ts: number | null;
  provenance: Record<string, unknown>;
};

export type Published = { id: string; duplicate: boolean; runIds: string[] };

export const cancelEvent = "rotor/cancel.run";

/** A lock of an event's name, in words that are hashed. */
export const eventLock = (workspaceId: string, name: string) => `event|${workspaceId}|${name}`;

/** Taken in one order, so that two transactions never hold what the other waits for. */
export async function lockEvents(
  db: Database,
  names: Iterable<string>,
  mode: "shared" | "exclusive",
): Promise<void> {
  const sorted = [...new Set(names)].sort();
  if (sorted.length === 0) return;
  const take = sql.raw(mode === "shared" ? "pg_advisory_xact_lock_shared" : "pg_advisory_xact_lock");
  await db.execute(sql`select ${take}(h) from (
    select distinct hashtextextended(k, 0) as h from json_array_elements_text(${JSON.stringify(sorted)}::text::json) k
    order by 1) locks`);
}

/** Stores new events and publishes those whose time has come; answers one line per event, in order. */
export async function publishEvents(
  db: Database,
  events: readonly NewEvent[],
  take?: Take,
): Promise<Published[]> {
  await lockEvents(
    db,
    events.map(({ workspaceId, name }) => eventLock(workspaceId, name)),
    "shared",
  );
  const sent = events.map(({ workspaceId, id, name, data, ts, provenance }, ord) => ({
    ord,
    ws: workspaceId,
    id,
    name,
    data: JSON.stringify(data ?? null),
    ts,
    provenance,
  }));
  const rows = await db.execute<{ ws: string; id: string; ts: string; due: boolean }>(sql`
    with clock as materialized (select rotor_now() as now), sent as (
      select distinct on (ws, id) s.*, coalesce(to_timestamp(s.ts / 1000.0), now) as at, now
      from json_to_recordset(${JSON.stringify(sent)}::text::json) as s (
        ord int, ws text, id text, name text, data text, ts bigint, provenance jsonb), clock
      order by ws, id, ord
    )
    insert into event (workspace_id, id, name, data, ts, due_at, published_at, provenance, created_at)
    select ws, id, name, data, at, case when at > now then at end, case when at <= now then now end, provenance, now
    from sent order by ord on conflict (workspace_id, id) do nothing
    returning workspace_id as ws, id, extract(epoch from ts) * 1000 as ts, due_at is null as due`);
  const made = new Map(rows.map((row) => [`${row.ws}|${row.id}`, row]));
  const first = new Set<string>();
  const fresh: StoredEvent[] = [];
  const published = events.map((event) => {
    const name = `${event.workspaceId}|${event.id}`;
    const row = first.has(name) ? undefined : made.get(name);
    first.add(name);
    const answer: Published = { id: event.id, duplicate: !row, runIds: [] };
    if (row?.due) fresh.push({ ...event, ts: Math.round(Number(row.ts)), runIds: answer.runIds });
    return answer;
  });
  await spread(db, fresh, take);
  await nameRunsOfDuplicates(db, events, published);
  return published;
}

/** Runs that one statement may start for each event on average, before somebody has to look. */
const sparesPerEvent = 2;

/**
 * The same in one statement, where no event is for later and nothing is to be decided: null where there is, and then
 * nothing is done.
 */
export async function publishPlainly(
  db: Database,
  events: readonly NewEvent[],
  take: Take,
  access: Access,
): Promise<Published[] | null> {
  if (events.some(({ ts, name }) => ts !== null || name === cancelEvent)) return null;
  const sent = events.map(({ workspaceId, id, name, data, provenance }, ord) => ({
    ...{ ord, ws: workspaceId, id, name, provenance },
    data: JSON.stringify(data ?? null),
    lock: eventLock(workspaceId, name),
  }));
  const spares = Array.from({ length: sent.length * sparesPerEvent }, () => newId("run"));
  const leases = spares.slice(0, Math.max(0, take.room)).map(() => randomUUID());
  const rows = await db.execute<{
    ord: number;
    ts: string;
    run: string | null;
    workflow: string;
    lease: string | null;
  }>(
    sql`select * from publish_plain(${JSON.stringify(sent)}::text::json, ${`{${spares.join()}}`}::text::text[], ${`{${leases.join()}}`}::text::uuid[], ${take.leaseMs}, ${access})`,
  );
  if (rows.length === 0) return null;
  const published = events.map(({ id }): Published => ({ id, duplicate: true, runIds: [] }));
  for (const { ord, ts, run, workflow, lease } of rows) {
    const answer = published[ord] as Published;
    answer.duplicate = false;
    if (run === null) continue;
    answer.runIds.push(run);
    const event = events[ord] as NewEvent;
    const input = (sent[ord] as { data: string }).data;
    if (lease !== null)
      take.taken.push(toClaimed(runOf(event, workflow, run, Number(ts), input), event.name, lease));
  }
  await nameRunsOfDuplicates(db, events, published);
  return published;
}

function runOf(
  event: Pick<NewEvent, "id" | "workspaceId" | "name">,
  workflowId: string,
  id: string,
  eventTs: number,
  input: string,
): NewRun {
  return {
    ...{ id, workspaceId: event.workspaceId, workflowId, idempotencyKey: null },
    ...{ eventId: event.id, eventName: event.name, eventTs, input, provenance: { event: event.id } },
  };
}

type StoredEvent = {
  workspaceId: string;
  id: string;
  name: string;
  data: unknown;
  ts: number;
  runIds: string[];
};

/** Publishes stored events whose time has come; how many. */
export async function publishDue(db: Database, most: number): Promise<number> {
  const rows = await db.execute<{ ws: string; id: string; name: string; data: string; ts: string }>(sql`
    select workspace_id as ws, id, name, data, extract(epoch from ts) * 1000 as ts from event
    where due_at <= (select rotor_now()) order by due_at limit ${most} for update skip locked`);
  if (rows.length === 0) return 0;
  await lockEvents(
    db,
    rows.map(({ ws, name }) => eventLock(ws, name)),
    "shared",
  );
  await db.execute(sql`
    update event e set due_at = null, published_at = rotor_now()
    from json_to_recordset(${JSON.stringify(rows.map(({ ws, id }) => ({ ws, id })))}::text::json) as p (ws text, id text)
    where e.workspace_id = p.ws and e.id = p.id`);
  await spread(
    db,
    rows.map(({ ws, id, name, data, ts }) => ({
      workspaceId: ws,
      id,
      name,
      data: JSON.parse(data),
      ts: Math.round(Number(ts)),
      runIds: [],
    })),
  );
  return rows.length;
}

async function spread(db: Database, events: readonly StoredEvent[], take?: Take): Promise<void> {
  if (events.length === 0) return;
  await wakeWaiters(db, events);
  const cancels = events.filter(({ name }) => name === cancelEvent);
  for (const { workspaceId, data } of cancels) {
    const runId = (data as { runId?: unknown } | null)?.runId;
    if (typeof runId === "string") await cancelRuns(db, workspaceId, [runId]);
  }
  // Last, because it locks the month's count of the workspace: whoever ends drives locks runs before that.
  await startTriggered(db, events, take);
}

async function startTriggered(
  db: Database,
  events: readonly StoredEvent[],
  take: Take | undefined,
): Promise<void> {
  const names = events.map(({ workspaceId: ws, name }) => ({ ws, name }));
  const rows = await db.execute<{ ws: string; id: string; event: string; filter: string | null }>(sql`
    select distinct w.workspace_id as ws, w.id, w.trigger_event as event, w.trigger_filter as filter
    from json_to_recordset(${JSON.stringify(names)}::text::json) as n (ws text, name text)
    join workflow w on w.workspace_id = n.ws and w.trigger_event = n.name and w.archived_at is null`);
  const runs: (NewRun & { of: StoredEvent })[] = [];
  for (const event of events) {
    for (const { ws, id, event: name, filter } of rows) {
      if (ws !== event.workspaceId || name !== event.name || !isMatching(filter, event)) continue;
      const input = JSON.stringify(event.data ?? null);
      runs.push({ ...runOf(event, id, newId("run"), event.ts, input), of: event });
    }
  }
  const started = await insertRuns(db, runs, take);
  started.forEach((one, index) => {
    if (one.kind !== "no workflow") runs[index]?.of.runIds.push(one.id);
  });
}

async function nameRunsOfDuplicates(
  db: Database,
  events: readonly NewEvent[],
  published: readonly Published[],
): Promise<void> {
  const asked = events.flatMap(({ workspaceId: ws, id }, ord) =>
    published[ord]?.duplicate ? [{ ord, ws, id }] : [],
  );
  if (asked.length === 0) return;
  const rows = await db.execute<{ ord: number; id: string }>(sql`
    select a.ord, r.id from json_to_recordset(${JSON.stringify(asked)}::text::json) as a (ord int, ws text, id text)
    cross join lateral (select id, seq from run where workspace_id = a.ws and event_id = a.id offset 0) r order by r.seq`);
  for (const { ord, id } of rows) published[ord]?.runIds.push(id);
}
