// What ticks read and write. All of a tick is one transaction: the job or run it makes, its own run, and the next
// tick (I6).

import type { Plan } from "@rotorsh/contract";
import { sql } from "drizzle-orm";
import type { Database, Statements } from "./database.ts";
import type { ScheduleRow } from "./schedules.ts";

/** What a schedule makes at its ticks. */
export type Kind = "jobs" | "runs";

export type DueSchedule = ScheduleRow & {
  plan: Plan;
  executions_per_month: number | null;
  suspended: boolean;
  deleted: boolean;
};

/** Characters of payload: what is claimed is held in memory. */
const heaviestBatch = 8 * 1024 * 1024;

/** What is due; one look, that is cheap when nothing is. */
export async function findDueKinds(sql: Statements): Promise<Kind[]> {
  const [row] = await sql<{ jobs: boolean; runs: boolean }[]>`
    select exists (select from schedule where due_at <= (select rotor_now()) and workflow_id is null) as jobs,
      exists (select from schedule where due_at <= (select rotor_now()) and workflow_id is not null) as runs`;
  return (["jobs", "runs"] as const).filter((kind) => row?.[kind]);
}

/** Claims schedules that are due by now; whoever else asks meanwhile gets others. */
export async function claimDue(db: Database, kind: Kind, most: number, now: Date): Promise<DueSchedule[]> {
  const ofKind = kind === "jobs" ? sql`workflow_id is null` : sql`workflow_id is not null`;
  const rows = await db.execute<DueSchedule>(sql`
    with due as (
      select id, due_at, coalesce(octet_length(payload), 0) as weight from schedule
      where due_at <= ${now.toISOString()} and ${ofKind} order by due_at limit ${most} for update skip locked
    ), weighed as (
      select id, sum(weight) over (order by due_at, id) - weight as lighter from due
    )
    select s.*, w.plan, w.executions_per_month, w.suspended_at is not null as suspended,
      w.deleted_at is not null as deleted
    from weighed d join schedule s using (id) join workspace w on w.id = s.workspace_id
    where d.lighter < ${heaviestBatch} order by s.due_at, s.id`);
  return [...rows];
}

/** How many executions of this month there are; nobody can count another one before this transaction ends. */
export async function lockExecutions(
  db: Database,
  workspaceIds: readonly string[],
): Promise<Map<string, number>> {
  if (workspaceIds.length === 0) return new Map();
  const rows = await db.execute<{ workspace_id: string; executions: string }>(sql`
    insert into usage as u (workspace_id, period, queue_name, executions)
    select ws, date_trunc('month', rotor_now() at time zone 'UTC')::date, '', 0
    from json_array_elements_text(${JSON.stringify(workspaceIds)}::text::json) ws order by ws
    on conflict (workspace_id, period, queue_name) do update set executions = u.executions
    returning workspace_id, executions`);
  return new Map(rows.map((row) => [row.workspace_id, Number(row.executions)]));
}

/** Of these schedules, those whose last job or run is not finished. A blocked job waits for nobody. */
export async function findUnfinished(db: Database, ids: readonly string[]): Promise<Set<string>> {
  if (ids.length === 0) return new Set();
  const rows = await db.execute<{ id: string }>(sql`
    select s.id from schedule s
    left join queue q on q.workspace_id = s.workspace_id and q.name = s.queue_name
    left join job j on j.queue_uid = q.uid and j.id = s.last_made
    left join run r on r.id = s.last_made
    where s.id in (select json_array_elements_text(${JSON.stringify(ids)}::text::json))
      and (j.state not in ('completed', 'failed', 'cancelled', 'guardrail.blocked') or r.id is not null and r.ended_at is null)`);
  return new Set(rows.map(({ id }) => id));
}

export type NewScheduleRun = {
  id: string;
  schedule_id: string;
  workspace_id: string;
  scheduled_for: string;
  by_hand: string;
  status: "fired" | "skipped" | "failed";
  reason: string | null;
  missed_from: string | null;
  queue_name: string | null;
  job_id: string | null;
  run_id: string | null;
};

/** A tick that has a row already fails the statement, and with it whatever else was made for it. */
export async function insertScheduleRuns(
  db: Database,
  runs: readonly NewScheduleRun[],
  now: Date,
): Promise<void> {
  if (runs.length === 0) return;
  await db.execute(sql`
    insert into schedule_run (schedule_id, scheduled_for, by_hand, id, workspace_id, status, reason, missed_from,
      queue_name, job_id, run_id, fired_at)
    select schedule_id, scheduled_for, by_hand, id, workspace_id, status, reason, missed_from, queue_name, job_id, run_id,
      ${now.toISOString()}::timestamptz
    from json_to_recordset(${JSON.stringify(runs)}::text::json) as r (schedule_id text, scheduled_for timestamptz,
      by_hand text, id text, workspace_id text, status text, reason text, missed_from timestamptz, queue_name text,
      job_id text, run_id text)`);
}

/** Where something else came of a tick than its entry says. */
export async function replaceScheduleRuns(
  db: Database,
  runs: readonly NewScheduleRun[],
  now: Date,
): Promise<void> {
  if (runs.length === 0) return;
  await db.execute(sql`
    delete from schedule_run r using json_to_recordset(${JSON.stringify(runs)}::text::json)
      as n (schedule_id text, scheduled_for timestamptz, by_hand text)
    where r.schedule_id = n.schedule_id and r.scheduled_for = n.scheduled_for and r.by_hand = n.by_hand`);
  await insertScheduleRuns(db, runs, now);
}

export type Advance = {
  id: string;
  next_tick_at: string | null;
  due_at: string | null;
  last_tick_at: string | null;
  /** What was made; null for nothing. */
  made: string | null;
};

export async function advanceSchedules(db: Database, steps: readonly Advance[], now: Date): Promise<void> {
  await db.execute(sql`
    update schedule s set next_tick_at = n.next_tick_at, due_at = n.due_at, last_tick_at = coalesce(n.last_tick_at, s.last_tick_at),
      last_made = coalesce(n.made, s.last_made),
      last_fired_at = case when n.made is null then s.last_fired_at else ${now.toISOString()}::timestamptz end
    from json_to_recordset(${JSON.stringify(steps)}::text::json) as n (id text, next_tick_at timestamptz,
      due_at timestamptz, last_tick_at timestamptz, made text)
    where s.id = n.id`);
}

/** A fire by hand leaves the next tick as it was. */
export async function noteMade(
  db: Database,
  { id, workspace_id }: ScheduleRow,
  made: string,
  now: Date,
): Promise<void> {
  await db.execute(sql`
    update schedule set last_made = ${made}, last_fired_at = ${now.toISOString()}
    where workspace_id = ${workspace_id} and id = ${id}`);
}

/** Puts off schedules that fail for reasons of their own, unless somebody else has fired them meanwhile. */
export async function postpone(db: Database, ids: readonly string[]): Promise<void> {
  await db.execute(sql`
    update schedule set due_at = rotor_now() + interval '1 minute'
    where due_at <= rotor_now() and id in (select json_array_elements_text(${JSON.stringify(ids)}::text::json))`);
}

export async function deleteSchedules(db: Database, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await db.execute(sql`
    delete from schedule where id in (select json_array_elements_text(${JSON.stringify(ids)}::text::json))`);
}
