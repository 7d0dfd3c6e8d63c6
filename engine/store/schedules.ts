// Schedules as rows. When they fire is decided in core; see schedule-ticks.ts for what a tick writes.

import type { Contract, OutputOf } from "@rotorsh/contract";
import { type SQL, sql } from "drizzle-orm";
import type { Database } from "./database.ts";
import { decodeCursor, type Page, toPage } from "./page.ts";

/** What a schedule is told to do. */
export type ScheduleSettings = {
  name: string;
  queue_name: string | null;
  workflow_id: string | null;
  cron: string;
  timezone: string;
  /** JSON. */
  payload: string | null;
  dst_gap: "run" | "skip";
  dst_overlap: "once" | "twice" | null;
  catch_up: "skip" | "last" | "all";
  overlap: "allow" | "skip";
  start_at: string | null;
  end_at: string | null;
  jitter_seconds: number;
  paused_at: string | null;
};

export type ScheduleRow = ScheduleSettings & {
  id: string;
  workspace_id: string;
  registered: boolean;
  next_tick_at: string | null;
  due_at: string | null;
  last_tick_at: string | null;
  last_fired_at: string | null;
  last_made: string | null;
  /** The key that decided what it fires. */
  set_by: string | null;
  created_at: string;
  updated_at: string;
};

export type NextTick = { next_tick_at: string | null; due_at: string | null };

const byHandle = (workspaceId: string, handle: string): SQL =>
  sql`workspace_id = ${workspaceId} and (id = ${handle} or name = ${handle})`;

export async function findSchedule(db: Database, workspaceId: string, handle: string) {
  const rows = await db.execute<ScheduleRow>(
    sql`select * from schedule where ${byHandle(workspaceId, handle)}`,
  );
  return rows[0];
}

/** The schedule, locked until the transaction ends: nobody fires it meanwhile. */
export async function lockSchedule(db: Database, workspaceId: string, handle: string) {
  const rows = await db.execute<ScheduleRow>(
    sql`select * from schedule where ${byHandle(workspaceId, handle)} for update`,
  );
  return rows[0];
}

/** By its id alone, for the operator. */
export async function lockAnySchedule(db: Database, id: string) {
  const rows = await db.execute<ScheduleRow>(sql`
    select s.* from schedule s join workspace w on w.id = s.workspace_id
    where s.id = ${id} and w.deleted_at is null for update of s`);
  return rows[0];
}

/** The schedule that came with a workflow's registration. */
export async function lockRegistered(db: Database, workspaceId: string, workflowId: string) {
  const rows = await db.execute<ScheduleRow>(sql`
    select * from schedule where workspace_id = ${workspaceId} and workflow_id = ${workflowId} and registered
    for update`);
  return rows[0];
}

export async function listSchedules(
  db: Database,
  workspaceId: string,
  { limit, cursor, queue, workflow }: Page & { queue?: string | undefined; workflow?: string | undefined },
) {
  const after = decodeCursor(cursor, ["text"])?.[0] ?? "";
  const rows = await db.execute<ScheduleRow>(sql`
    select id, workspace_id, name, queue_name, workflow_id, registered, cron, timezone, dst_gap, dst_overlap, catch_up,
      overlap, start_at, end_at, jitter_seconds, paused_at, next_tick_at, due_at, last_tick_at, last_fired_at, last_made,
      created_at, updated_at, null as payload
    from schedule where workspace_id = ${workspaceId} and name > ${after}
      and (${queue ?? null}::text is null or queue_name = ${queue ?? null})
      and (${workflow ?? null}::text is null or workflow_id = ${workflow ?? null})
    order by name limit ${limit + 1}`);
  return toPage(
    [...rows],
    limit,
    (row) => [row.name],
    (row) => row,
  );
}

/** The new schedule, or undefined when the name is taken. */
export async function insertSchedule(
  db: Database,
  owner: { id: string; workspaceId: string; registered: boolean },
  s: ScheduleSettings & NextTick,
) {
  const [row] = await db.execute<ScheduleRow>(sql`
    insert into schedule (id, workspace_id, registered, name, queue_name, workflow_id, cron, timezone, payload, dst_gap,
      dst_overlap, catch_up, overlap, start_at, end_at, jitter_seconds, paused_at, next_tick_at, due_at, created_at,
      updated_at)
    values (${owner.id}, ${owner.workspaceId}, ${owner.registered}, ${s.name}, ${s.queue_name}, ${s.workflow_id},
      ${s.cron}, ${s.timezone}, ${s.payload}, ${s.dst_gap}, ${s.dst_overlap}, ${s.catch_up}, ${s.overlap}, ${s.start_at},
      ${s.end_at}, ${s.jitter_seconds}, ${s.paused_at}, ${s.next_tick_at}, ${s.due_at}, rotor_now(), rotor_now())
    on conflict (workspace_id, name) do nothing
    returning *`);
  return row;
}

/** The caller holds the schedule's lock. Undefined when the name is taken. */
export async function changeSchedule(
  db: Database,
  { id, workspace_id: workspaceId }: Pick<ScheduleRow, "id" | "workspace_id">,
  s: ScheduleSettings & NextTick & Pick<ScheduleRow, "last_made">,
) {
  const [row] = await db.execute<ScheduleRow>(sql`
    update schedule set name = ${s.name}, queue_name = ${s.queue_name}, workflow_id = ${s.workflow_id}, cron = ${s.cron},
      timezone = ${s.timezone}, payload = ${s.payload}, dst_gap = ${s.dst_gap}, dst_overlap = ${s.dst_overlap},
      catch_up = ${s.catch_up}, overlap = ${s.overlap}, start_at = ${s.start_at}, end_at = ${s.end_at},
      jitter_seconds = ${s.jitter_seconds}, paused_at = ${s.paused_at}, next_tick_at = ${s.next_tick_at},
      due_at = ${s.due_at}, last_made = ${s.last_made}, updated_at = rotor_now()
    where workspace_id = ${workspaceId} and id = ${id}
      and not exists (select from schedule o where o.workspace_id = ${workspaceId} and o.name = ${s.name} and o.id <> ${id})
    returning *`);
  return row;
}

export async function noteSetBy(db: Database, { id, workspace_id: workspaceId }: ScheduleRow, keyId: string) {
  await db.execute(
    sql`update schedule set set_by = ${keyId} where workspace_id = ${workspaceId} and id = ${id}`,
  );
}

export async function deleteSchedule(db: Database, { id, workspace_id: workspaceId }: ScheduleRow) {
  await db.execute(sql`delete from schedule where workspace_id = ${workspaceId} and id = ${id}`);
}

type Target = { queue: string } | { workflow: string };

const ofTarget = (target: Target): SQL =>
  "queue" in target ? sql`queue_name = ${target.queue}` : sql`workflow_id = ${target.workflow}`;

export async function countSchedulesOf(db: Database, workspaceId: string, target: Target): Promise<number> {
  const [row] = await db.execute<{ n: number }>(
    sql`select count(*)::int as n from schedule where workspace_id = ${workspaceId} and ${ofTarget(target)}`,
  );
  return row?.n ?? 0;
}

/** Who has nowhere to fire at any more goes with it. */
export async function deleteSchedulesOf(db: Database, workspaceId: string, target: Target): Promise<void> {
  await db.execute(sql`delete from schedule where workspace_id = ${workspaceId} and ${ofTarget(target)}`);
}

/** Is it there? It stays there until the transaction ends. */
export async function holdTarget(db: Database, workspaceId: string, target: Target): Promise<boolean> {
  const rows = await db.execute(
    "queue" in target
      ? sql`select from queue where workspace_id = ${workspaceId} and name = ${target.queue} for share`
      : sql`select from workflow where workspace_id = ${workspaceId} and id = ${target.workflow}
          and archived_at is null for share`,
  );
  return rows.length > 0;
}

type Listed = Omit<
  OutputOf<Contract["schedules"]["get"]>,
  "payload" | "job_data" | "dst_overlap" | "next_fire_local"
>;

const timeOf = (text: string | null) => (text === null ? null : new Date(text).toISOString());

/** All but what follows from the rule. */
export function toListed(row: ScheduleRow): Listed {
  const status = row.paused_at ? "paused" : row.due_at ? "active" : "ended";
  return {
    id: row.id,
    external_id: row.id,
    name: row.name,
    queue: row.queue_name,
    queue_name: row.queue_name,
    workflow: row.workflow_id,
    registered: row.registered,
    cron: row.cron,
    timezone: row.timezone,
    enabled: row.paused_at === null,
    status,
    dst_gap: row.dst_gap,
    catch_up: row.catch_up,
    overlap: row.overlap,
    jitter_seconds: row.jitter_seconds,
    start_at: timeOf(row.start_at),
    end_at: timeOf(row.end_at),
    next_fire_at: timeOf(row.due_at),
    last_fired_at: timeOf(row.last_fired_at),
    created_at: new Date(row.created_at).toISOString(),
    updated_at: new Date(row.updated_at).toISOString(),
  };
}
