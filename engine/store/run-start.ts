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
export async function insertRuns(
  db: Database,
  runs: readonly NewRun[],
  take: Take = { room: 0, leaseMs: 0, taken: [] },
): Promise<Started[]> {
  if (runs.length === 0) return [];
  const { json, leases } = startParameters(runs, take);
  const rows = await db.execute<InsertedRun>(
    sql`select * from insert_runs(${json}::text::json, ${take.leaseMs})`,
  );
  const started = toStarted(runs, leases, rows, take);
  await nameDuplicates(db, runs, started);
  return started;
}

/** The runs as `insert_runs` reads them, and the leases of those that there is room for. */
export function startParameters(
  runs: readonly NewRun[],
  { room }: Take,
): { json: string; leases: (string | null)[] } {
  const leases = runs.map((_, ord) => (ord < room ? randomUUID() : null));
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
    lease: leases[ord] ?? null,
  }));
  return { json: JSON.stringify(sent), leases };
}

/** What `insert_runs` answers. */
export type InsertedRun = { ord: number; created: boolean; named: string };

export function toStarted(
  runs: readonly NewRun[],
  leases: readonly (string | null)[],
  rows: readonly InsertedRun[],
  take: Take,
): Started[] {
  const placed = new Map(rows.map((row) => [row.ord, row]));
  take.room = Math.max(0, take.room - runs.length);
  return runs.map((run, ord): Started => {
    const row = placed.get(ord);
    if (!row) return { kind: "no workflow" };
    if (!row.created) return { kind: "duplicate", id: run.id };
    const lease = leases[ord] ?? null;
    if (lease !== null) take.taken.push(toClaimed(run, row.named, lease));
    return { kind: "started", id: run.id, taken: lease !== null };
  });
}

/** As a claim would have brought it. */
export function toClaimed(run: NewRun, eventName: string, token: string): ClaimedRun {
  return {
    ...{ id: run.id, workspaceId: run.workspaceId, workflowId: run.workflowId, token, attempt: 1 },
    event: { id: eventIdOf(run.id, run.eventId), name: eventName, ts: run.eventTs },
    input: run.input,
    parent: run.parentRun ?? null,
    ...{ failures: 0, hook: null, output: null, error: null },
    ...{ steps: 0, stepBytes: 0, memos: "", tries: "", later: "" },
  };
}

/** Which run a repeated key stands for. */
export async function nameDuplicates(
  db: Database,
  runs: readonly NewRun[],
  started: Started[],
): Promise<void> {
  const asked = runs.flatMap((run, ord) =>
    started[ord]?.kind === "duplicate"
      ? [{ ord, ws: run.workspaceId, wf: run.workflowId, ikey: run.idempotencyKey }]
      : [],
  );
  if (asked.length === 0) return;
  const rows = await db.execute<{ ord: number; id: string }>(sql`
    select * from runs_of_keys(${JSON.stringify(asked)}::text::json)`);
  for (const { ord, id } of rows) started[ord] = { kind: "duplicate", id };
}
