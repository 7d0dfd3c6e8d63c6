// Makes what schedules make at their ticks: jobs for queues, and runs of workflows, by the ways in that everybody
// else's jobs and runs take.

import { hash } from "node:crypto";
import { newId } from "./ids.ts";
import { must } from "./must.ts";
import type { Database } from "./store/database.ts";
import { findGuarded } from "./store/guardrails.ts";
import { insertJobs, type NewJob } from "./store/job-intake.ts";
import { insertRuns, type NewRun } from "./store/run-start.ts";
import type { Kind, NewScheduleRun } from "./store/schedule-ticks.ts";
import type { ScheduleRow } from "./store/schedules.ts";
import { statementsOf } from "./store/statements.ts";

/** One tick of one schedule, or one fire by hand. */
export type Shot = {
  schedule: ScheduleRow;
  at: number;
  byHand: boolean;
  /** What the job or run says of where it came from. */
  provenance: Record<string, unknown>;
};

export type Fired = {
  runs: NewScheduleRun[];
  /** Queues that got work. */
  queues: number[];
};

export const kindOf = ({ workflow_id: workflow }: ScheduleRow): Kind => (workflow === null ? "jobs" : "runs");

/** In the caller's transaction. */
export function fire(db: Database, kind: Kind, shots: readonly Shot[]): Promise<Fired> {
  return kind === "jobs" ? fireJobs(db, shots) : fireRuns(db, shots);
}

async function fireJobs(db: Database, shots: readonly Shot[]): Promise<Fired> {
  if (shots.length === 0) return { runs: [], queues: [] };
  const guarded = await findGuarded(
    db,
    shots.map(({ schedule }) => schedule.workspace_id),
  );
  const jobs = shots.map((shot) => toJob(shot, guarded.has(shot.schedule.workspace_id)));
  const { intakes, woken } = await insertJobs(statementsOf(db), jobs);
  const runs = shots.map((shot, index) =>
    must(intakes[index], "an intake").kind === "no queue"
      ? runOf(shot, { status: "failed", reason: "queue_deleted" })
      : runOf(shot, { job_id: must(jobs[index], "the job").id }),
  );
  return { runs, queues: woken };
}

/** Of a guarded workspace a job is held back until it has been looked at, like one that was enqueued. */
function toJob(shot: Shot, isGuarded: boolean): NewJob {
  const { schedule } = shot;
  return {
    workspaceId: schedule.workspace_id,
    queueName: must(schedule.queue_name, "a queue"),
    id: idOf("job", shot),
    payload: schedule.payload ?? "{}",
    delayMs: 0,
    priority: 0,
    tags: [],
    concurrencyKey: null,
    attempts: null,
    backoff: null,
    provenance: JSON.stringify(toProvenance(shot)),
    guard: isGuarded ? { contacts: [], screen: true } : null,
  };
}

async function fireRuns(db: Database, shots: readonly Shot[]): Promise<Fired> {
  const started = await insertRuns(db, shots.map(toRun));
  const runs = shots.map((shot, index) => {
    const start = must(started[index], "a start");
    return start.kind === "no workflow"
      ? runOf(shot, { status: "failed", reason: "workflow_archived" })
      : runOf(shot, { run_id: start.id });
  });
  return { runs, queues: [] };
}

function toRun(shot: Shot): NewRun {
  const { schedule, at } = shot;
  const { id, name, cron, timezone } = schedule;
  const tick = { schedule_id: id, schedule: name, cron, timezone, scheduled_for: iso(at) };
  return {
    id: idOf("run", shot),
    workspaceId: schedule.workspace_id,
    workflowId: must(schedule.workflow_id, "a workflow"),
    idempotencyKey: shot.byHand ? null : `schedule:${id}:${iso(at)}`,
    eventId: null,
    eventName: "rotor/schedule.fired",
    eventTs: at,
    input: schedule.payload ?? JSON.stringify(tick),
    provenance: toProvenance(shot),
  };
}

function toProvenance({ schedule, at, provenance }: Shot): Record<string, unknown> {
  const { set_by: author, id } = schedule;
  // Whoever fires it by hand has asked for it; else whoever set it has.
  const asked = { key_id: author, ...provenance };
  const written = author === asked.key_id ? {} : { author_key_id: author };
  return { ...asked, ...written, schedule_id: id, scheduled_for: iso(at) };
}

/** What a shot came to. Without more it was fired. */
export function runOf(shot: Omit<Shot, "provenance">, came: Partial<NewScheduleRun> = {}): NewScheduleRun {
  const { schedule, at, byHand } = shot;
  const id = byHand ? newId("sr") : idOf("sr", shot);
  return {
    id,
    schedule_id: schedule.id,
    workspace_id: schedule.workspace_id,
    scheduled_for: iso(at),
    by_hand: byHand ? id : "",
    status: "fired",
    reason: null,
    missed_from: null,
    queue_name: schedule.queue_name,
    job_id: null,
    run_id: null,
    ...came,
  };
}

/** What a tick makes, as its entry in the history names it. */
export const madeBy = (tick: Shot) =>
  kindOf(tick.schedule) === "jobs" ? { job_id: idOf("job", tick) } : { run_id: idOf("run", tick) };

let latest = { at: 0, text: new Date(0).toISOString() };

/** Thousands of ticks have one time. */
function iso(at: number): string {
  if (at !== latest.at) latest = { at, text: new Date(at).toISOString() };
  return latest.text;
}

const hashes = new WeakMap<ScheduleRow, { at: number; hash: string }>();

/** Asked for each thing that a tick makes. */
function hashOf({ schedule, at }: Pick<Shot, "schedule" | "at">): string {
  const known = hashes.get(schedule);
  if (known?.at === at) return known.hash;
  const made = hash("sha256", `${schedule.id}|${at}`);
  hashes.set(schedule, { at, hash: made });
  return made;
}

/** The ids of a tick follow from it: made twice, it is the same one. */
function idOf(prefix: string, shot: Omit<Shot, "provenance">): string {
  if (shot.byHand) return newId(prefix);
  return `${prefix}_${shot.at.toString(16).padStart(12, "0")}${hashOf(shot).slice(0, 20)}`;
}
