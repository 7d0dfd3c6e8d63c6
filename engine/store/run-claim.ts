// Taking runs to drive them, and keeping them while they are driven.

import { sql } from "drizzle-orm";
import type { Database } from "./database.ts";

/** A run and everything a drive of it needs to say. */
export type ClaimedRun = {
  id: string;
  workspaceId: string;
  workflowId: string;
  token: string;
  attempt: number;
  event: { id: string; name: string; ts: number };
  /** JSON. */
  input: string;
  parent: string | null;
  failures: number;
  /** The run has ended, and the app is to be told. */
  hook: "onSuccess" | "onFailure" | "onCancel" | null;
  output: string | null;
  error: string | null;
  steps: number;
  stepBytes: number;
  /** Entries of JSON objects, without the braces. */
  memos: string;
  tries: string;
  /** Keys of failed steps whose next attempt is not due; elements of a JSON list. */
  later: string;
};

type Row = {
  id: string;
  workspace_id: string;
  workflow_id: string;
  token: string;
  attempt: number;
  event_id: string | null;
  event_name: string;
  event_ts: string;
  input: string;
  parent_run: string | null;
  failures: number;
  hook: ClaimedRun["hook"];
  output: string | null;
  error: string | null;
  steps: number;
  step_bytes: string;
  memos: string;
  tries: string;
  later: string;
};

export async function claimRuns(db: Database, most: number, leaseMs: number): Promise<ClaimedRun[]> {
  const rows = await db.execute<Row>(sql`select * from claim_runs(${most}, ${leaseMs})`);
  return rows.map((row) => ({
    id: row.id,
    workspaceId: row.workspace_id,
    workflowId: row.workflow_id,
    token: row.token,
    attempt: row.attempt,
    event: {
      id: eventIdOf(row.id, row.event_id),
      name: row.event_name,
      ts: Number(row.event_ts),
    },
    input: row.input,
    parent: row.parent_run,
    failures: row.failures,
    hook: row.hook,
    output: row.output,
    error: row.error,
    steps: row.steps,
    stepBytes: Number(row.step_bytes),
    memos: row.memos,
    tries: row.tries,
    later: row.later,
  }));
}

/** A run that no event of the log started has one of its own. */
export function eventIdOf(runId: string, eventId: string | null): string {
  return eventId ?? runId.replace("run_", "evt_");
}

/** The leases that are still held, for longer. */
export async function renewLeases(
  db: Database,
  held: readonly { run: string; token: string }[],
  leaseMs: number,
): Promise<void> {
  await db.execute(sql`select renew_leases(${JSON.stringify(held)}::text::json, ${leaseMs})`);
}

/** Where a workflow is served, and by what its requests are signed. */
export type Target = {
  serveUrl: string;
  keys: { sealed: string[]; dataKey: string | null };
  suspended: boolean;
  hasHooks: boolean;
};

/** Undefined when it is archived or its workspace is gone. */
export async function findTarget(
  db: Database,
  workspaceId: string,
  workflowId: string,
): Promise<Target | undefined> {
  const [row] = await db.execute<{
    serve_url: string;
    sealed: string | null;
    previous: string | null;
    data_key: string | null;
    suspended: boolean;
    has_hooks: boolean;
  }>(sql`
    select w.serve_url, w.hooks <> '{}' as has_hooks, k.sealed, case when k.previous_until > rotor_now() then k.previous end as previous,
      s.data_key, s.suspended_at is not null as suspended
    from workflow w join workspace s on s.id = w.workspace_id and s.deleted_at is null
    left join signing_key k on k.workspace_id = w.workspace_id
    where w.workspace_id = ${workspaceId} and w.id = ${workflowId} and w.archived_at is null`);
  if (!row) return undefined;
  const sealed = [row.sealed, row.previous].filter((key) => key !== null);
  return {
    serveUrl: row.serve_url,
    keys: { sealed, dataKey: row.data_key },
    suspended: row.suspended,
    hasHooks: row.has_hooks,
  };
}
