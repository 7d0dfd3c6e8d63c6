// What changed of a run, for those who follow it. A cursor is a snapshot of the database: what was not visible in it
// is new. Transactions commit in any order, so no number that they hand out could say that.

import { invalidInput, type MessageOf, type Streams } from "@rotorsh/contract";
import { sql } from "drizzle-orm";
import type { Database } from "./database.ts";
import { decodeCursor, encodeCursor } from "./page.ts";
import { type StepRow, stepsOf, toStep } from "./run-detail.ts";
import { type RunRow, toRun } from "./runs.ts";

export type RunMessage = MessageOf<Streams["runs"]["stream"]>;

export type RunChange = {
  /** Of everything up to now. */
  snapshot: string;
  /** Undefined when nothing changed. */
  message: RunMessage | undefined;
  ended: boolean;
};

const longestResult = 16 * 1024;

/** What `snapshot` does not know, or everything without one; undefined when there is no such run. */
export async function readRunChange(
  db: Database,
  workspaceId: string,
  id: string,
  snapshot: string | null,
): Promise<RunChange | undefined> {
  const [row] = await db.execute<{
    snapshot: string;
    run: (RunRow & { is_new: boolean }) | null;
    steps: StepRow[];
  }>(sql`
    select pg_current_snapshot()::text as snapshot,
      (select to_json(r) from (
        select id, seq, workflow_id, version_number, status, attempt, event_id, event_name, event_ts, parent_run, replay_of,
          lease, due_at, since, queued_ms, waiting_ms, running_ms, rotor_now() as now, error, created_at, started_at,
          ended_at, case when octet_length(output) <= ${longestResult} then output end as output,
          ${snapshot}::text is null or not pg_visible_in_snapshot(changed, ${snapshot}::pg_snapshot) as is_new
        from run where id = ${id} and workspace_id = ${workspaceId}) r) as run,
      (select coalesce(json_agg(t), '[]') from (${stepsOf(workspaceId, id, { since: snapshot, longestResult })}) t) as steps`);
  if (!row?.run) return undefined;
  const { run, steps } = row;
  const isNew = run.is_new || steps.length > 0;
  return {
    snapshot: row.snapshot,
    ended: run.ended_at !== null,
    message: isNew
      ? {
          run: { ...toRun(run), output: run.output === null ? null : JSON.parse(run.output) },
          steps: steps.map((step) => toStep(step, new Date(run.now))),
        }
      : undefined,
  };
}

export type Followed = { run: string; snapshot: string };

/** Which of these changed since. Steps of a run that nobody drives do not change without it. */
export async function findChanged(db: Database, followed: readonly Followed[]): Promise<string[]> {
  const rows = await db.execute<{ run: string }>(sql`
    select f.run from json_to_recordset(${JSON.stringify(followed)}::text::json) as f (run text, snapshot pg_snapshot)
    left join run r on r.id = f.run
    where r.id is null or not pg_visible_in_snapshot(r.changed, f.snapshot) or (r.lease is not null and exists (
      select from step s where s.run_id = f.run and not pg_visible_in_snapshot(s.changed, f.snapshot)))`);
  return rows.map(({ run }) => run);
}

const snapshotForm = /^\d{1,19}:\d{1,19}:(\d{1,19}(,\d{1,19}){0,999})?$/;

export function toCursor(snapshot: string): string {
  return encodeCursor([snapshot]);
}

export function fromCursor(cursor: string): string {
  const [snapshot] = decodeCursor(cursor, ["text"]) ?? [""];
  const [low, high] = snapshot.split(":").map(Number) as [number, number];
  const fits = snapshotForm.test(snapshot) && low > 0 && low <= high && high < 2 ** 53;
  const between = snapshot.split(":")[2]?.split(",").filter(Boolean).map(Number) ?? [];
  const isOrdered = between.every((id, at) => id >= low && id < high && id > (between[at - 1] ?? 0));
  if (fits && isOrdered) return snapshot;
  throw invalidInput([{ path: "cursor", problem: "is not a cursor of this stream" }]);
}
