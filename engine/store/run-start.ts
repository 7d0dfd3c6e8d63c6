// New runs. Whoever starts them, they are stored by one statement, which also counts them.

import { randomUUID } from "node:crypto";
import { sql } from "drizzle-orm";
import type { Database } from "./database.ts";
import { type ClaimedRun, eventIdOf } from "./run-claim.ts";

export type NewRun = {
  id: string;
  workspaceId: string;
  workflowId: string;
  /** A second run with it is the first one again, for ever. */
  idempotencyKey: string | null;
  eventId: string | null;
  /** Null: the name of the event that triggers the workflow, or else its id. */
  eventName: string | null;
  eventTs: number;
  /** JSON. */
  input: string;
  provenance: Record<string, unknown>;
  parentRun?: string;
  parentKey?: string;
  replayOf?: string;
  /** A child may only be what an event can trigger. */
  asChild?: boolean;
};

export type Started =
  | { kind: "started"; id: string /** It is being driven already. */; taken?: boolean }
  | { kind: "duplicate"; id: string }
  | { kind: "no workflow" };

/** Runs that are driven by this process as soon as they are stored: room for so many, and those that were. */
export type Take = { room: number; leaseMs: number; taken: ClaimedRun[] };

/** Answers one line per run, in order. */
export async function insertRuns(db: Database, runs: readonly NewRun[], take?: Take): Promise<Started[]> {
  if (runs.length === 0) return [];
  const room = take?.room ?? 0;
  const sent = runs.map((run, ord) => ({
    ord,
    id: run.id,
    ws: run.workspaceId,
    wf: run.workflowId,
    ikey: run.idempotencyKey,
    event_id: run.eventId,
    event_name: run.eventName,
    event_ts: run.eventTs,
    input: run.input,
    provenance: run.provenance,
    parent_run: run.parentRun ?? null,
    parent_key: run.parentKey ?? null,
    replay_of: run.replayOf ?? null,
    as_child: run.asChild ?? false,
    lease: ord < room ? randomUUID() : null,
  }));
  const rows = await db.execute<{ ord: number; created: boolean; named: string }>(sql`
    with sent as (
      select * from json_to_recordset(${JSON.stringify(sent)}::text::json) as r (
        ord int, id text, ws text, wf text, ikey text, event_id text, event_name text, event_ts bigint, input text,
        provenance jsonb, parent_run text, parent_key text, replay_of text, as_child boolean, lease uuid)
    ), placed as (
      select s.*, w.version_number, coalesce(s.event_name, w.trigger_event, w.id) as named
      from sent s join workflow w on w.workspace_id = s.ws and w.id = s.wf
      where w.archived_at is null and (not s.as_child or w.trigger_type = 'event')
    ), clock as materialized (select rotor_now() as now), made as (
      insert into run (id, workspace_id, workflow_id, version_number, status, event_id, event_name, event_ts, input,
        idempotency_key, parent_run, parent_key, replay_of, lease, due_at, since, started_at, look_from, versions, provenance,
        created_at)
      select id, ws, wf, version_number, case when lease is null then 'pending' else 'running' end, event_id, named, event_ts,
        input, ikey, parent_run, parent_key, replay_of, lease,
        case when lease is null then now else now + ${take?.leaseMs ?? 0} * interval '1 millisecond' end, now,
        case when lease is not null then now end, case when lease is not null then now end,
        case when lease is null then '{}' else array[version_number] end, provenance, now
      from placed, clock order by ord
      on conflict (workspace_id, workflow_id, idempotency_key) where idempotency_key is not null do nothing
      returning id, workspace_id, created_at
    ), counted as (
      insert into usage as u (workspace_id, period, queue_name, executions)
      select workspace_id, date_trunc('month', min(created_at) at time zone 'UTC')::date, '', count(*)
      from made group by workspace_id order by workspace_id
      on conflict (workspace_id, period, queue_name) do update set executions = u.executions + excluded.executions
    )
    select p.ord, p.named, m.id is not null as created from placed p left join made m on m.id = p.id`);
  const placed = new Map(rows.map((row) => [row.ord, row]));
  const started = runs.map((run, ord): Started => {
    const row = placed.get(ord);
    if (!row) return { kind: "no workflow" };
    if (!row.created) return { kind: "duplicate", id: run.id };
    const lease = sent[ord]?.lease;
    if (take && lease) take.taken.push(toClaimed(run, row.named, lease));
    return { kind: "started", id: run.id, taken: Boolean(lease) };
  });
  if (take) take.room = Math.max(0, room - runs.length);
  await nameDuplicates(db, runs, started);
  return started;
}

/** As a claim would have brought it. */
function toClaimed(run: NewRun, eventName: string, token: string): ClaimedRun {
  return {
    ...{ id: run.id, workspaceId: run.workspaceId, workflowId: run.workflowId, token, attempt: 1 },
    event: { id: eventIdOf(run.id, run.eventId), name: eventName, ts: run.eventTs },
    input: run.input,
    parent: run.parentRun ?? null,
    ...{ failures: 0, hook: null, output: null, error: null },
    ...{ steps: 0, stepBytes: 0, memos: "", tries: "" },
  };
}

/** Which run a repeated key stands for. */
async function nameDuplicates(db: Database, runs: readonly NewRun[], started: Started[]): Promise<void> {
  const asked = runs.flatMap((run, ord) =>
    started[ord]?.kind === "duplicate"
      ? [{ ord, ws: run.workspaceId, wf: run.workflowId, ikey: run.idempotencyKey }]
      : [],
  );
  if (asked.length === 0) return;
  const rows = await db.execute<{ ord: number; id: string }>(sql`
    select a.ord, r.id from json_to_recordset(${JSON.stringify(asked)}::text::json)
      as a (ord int, ws text, wf text, ikey text)
    join run r on r.workspace_id = a.ws and r.workflow_id = a.wf and r.idempotency_key = a.ikey`);
  for (const { ord, id } of rows) started[ord] = { kind: "duplicate", id };
}
