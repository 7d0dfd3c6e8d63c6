// The history of schedules. How a job or run fares is read from the job or run itself.

import type { Contract, OutputOf } from "@rotorsh/contract";
import { sql } from "drizzle-orm";
import { callbackStatusOf } from "../core/callback-status.ts";
import type { Database } from "./database.ts";
import { decodeCursor, type Page, toPage } from "./page.ts";

type ScheduleRun = OutputOf<Contract["schedules"]["runs"]>["runs"][number];

type Row = {
  id: string;
  scheduled_for: string;
  by_hand: string;
  status: ScheduleRun["status"];
  reason: string | null;
  missed_from: string | null;
  job_id: string | null;
  run_id: string | null;
  fired_at: string;
  state: string | null;
  callback: boolean;
  job_reason: string | null;
  fail_reason: string | null;
  attempted: boolean;
  http_status: number | null;
  attempt_error: string | null;
  run_error: string | null;
};

/** True when there is a history under this id, though its schedule may be gone. */
export async function hasHistory(db: Database, workspaceId: string, scheduleId: string): Promise<boolean> {
  const rows = await db.execute(sql`
    select from schedule_run where workspace_id = ${workspaceId} and schedule_id = ${scheduleId} limit 1`);
  return rows.length > 0;
}

export async function listScheduleRuns(
  db: Database,
  workspaceId: string,
  scheduleId: string,
  { limit, cursor }: Page,
) {
  const [before, beforeHand] = decodeCursor(cursor, ["time", "text"]) ?? ["infinity", ""];
  const rows = await db.execute<Row>(sql`
    select s.id, s.scheduled_for, s.by_hand, s.status, s.reason, s.missed_from, s.job_id, s.run_id, s.fired_at,
      coalesce(j.state, r.status) as state, q.callback_url is not null as callback, j.reason as job_reason,
      j.fail_reason, a.attempt is not null as attempted, a.status as http_status, a.error as attempt_error,
      r.error as run_error
    from (
      select * from schedule_run where workspace_id = ${workspaceId} and schedule_id = ${scheduleId}
        and (scheduled_for, by_hand) < (${before}::timestamptz, ${beforeHand})
      order by scheduled_for desc, by_hand desc limit ${limit + 1}
    ) s
    left join queue q on q.workspace_id = s.workspace_id and q.name = s.queue_name and s.job_id is not null
    left join job j on j.queue_uid = q.uid and j.id = s.job_id
    left join lateral (
      select t.attempt, t.status, t.error from job_attempt t where t.queue_uid = j.queue_uid and t.job_id = j.id
      order by t.generation desc, t.attempt desc limit 1
    ) a on true
    left join run r on r.id = s.run_id and r.workspace_id = s.workspace_id
    order by s.scheduled_for desc, s.by_hand desc`);
  const key = (row: Row) => [new Date(row.scheduled_for).toISOString(), row.by_hand];
  const { data, nextCursor } = toPage([...rows], limit, key, toScheduleRun);
  return { runs: data, nextCursor };
}

function toScheduleRun(row: Row): ScheduleRun {
  return {
    id: row.id,
    scheduled_for: new Date(row.scheduled_for).toISOString(),
    fired_at: new Date(row.fired_at).toISOString(),
    manual: row.by_hand !== "",
    status: row.status,
    reason: row.reason,
    missed_from: row.missed_from === null ? null : new Date(row.missed_from).toISOString(),
    job_id: row.job_id,
    run_id: row.run_id,
    state: row.state,
    callback_status: callbackStatusOf({
      state: row.state,
      callback: row.callback,
      reason: row.job_reason,
      attempt: row.attempted ? { status: row.http_status } : null,
    }),
    error: row.attempt_error ?? row.fail_reason ?? messageOf(row.run_error),
  };
}

/** A run's error is JSON. */
function messageOf(error: string | null): string | null {
  return error === null ? null : ((JSON.parse(error) as { message?: string }).message ?? null);
}
