// Fires what is due. Any number of processes may do this at once: a schedule is claimed by one of them, and its ticks,
// what they made, and its next tick are committed together, or not at all (I6).

import { limitsOf } from "../core/plan.ts";
import { planOf, toNext } from "../core/schedule.ts";
import type { Plan } from "../core/ticks.ts";
import { fire, madeBy, runOf, type Shot } from "../firing.ts";
import type { Services } from "../handler.ts";
import { type Database, isUnavailable } from "../store/database.ts";
import * as store from "../store/schedule-ticks.ts";

/** Schedules fired in one transaction. */
const batch = 1000;
/** Batches under way at once: the database works on one while the next is planned. */
const lanes = 2;

/** Fires everything that is due now. */
export async function fireSchedules(services: Services): Promise<void> {
  const kinds = await store.findDueKinds(services.databases.sql);
  await Promise.all(kinds.map((kind) => fireAll(services, kind)));
}

/** Deliveries begin when all of them are fired: they must not be what makes the last ones late. */
async function fireAll(services: Services, kind: store.Kind): Promise<void> {
  const queues = new Set<number>();
  try {
    await Promise.all(Array.from({ length: lanes }, () => fireLane(services, kind, queues)));
  } finally {
    services.wake(queues);
  }
}

async function fireLane(services: Services, kind: store.Kind, woken: Set<number>): Promise<void> {
  for (let most = batch; ; ) {
    const claimed: string[] = [];
    try {
      const { looked, queues } = await fireDue(services, kind, most, claimed);
      for (const queue of queues) woken.add(queue);
      if (looked === 0) return;
    } catch (error) {
      if (isUnavailable(error)) throw error;
      // One schedule must not hold up the others: they are fired one by one, and it is put off.
      if (claimed.length === 0) throw error;
      if (most === 1) await putOff(services, claimed, error);
      most = 1;
    }
  }
}

async function putOff({ databases, log }: Services, ids: readonly string[], error: unknown): Promise<void> {
  await databases.acrossWorkspaces((db) => store.postpone(db, ids));
  log.error({ err: error, schedules: ids }, "a schedule could not be fired; it is tried again in a minute");
}

type Looked = { looked: number; queues: number[] };

/** Tells which it claimed, also when it fails. */
async function fireDue(
  services: Services,
  kind: store.Kind,
  most: number,
  claimed: string[],
): Promise<Looked> {
  const done = await services.databases.acrossWorkspaces(async (db, now) => {
    const due = await store.claimDue(db, kind, most, now);
    claimed.push(...due.map(({ id }) => id));
    const live = due.filter(({ deleted }) => !deleted);
    await store.deleteSchedules(
      db,
      due.filter(({ deleted }) => deleted).map(({ id }) => id),
    );
    return {
      looked: due.length,
      queues: live.length > 0 ? await fireThese(db, kind, live, now) : [],
    };
  });
  if (done.looked > 0 && kind === "runs") services.workflows.wake();
  return done;
}

type Planned = { schedule: store.DueSchedule; plan: Plan };

async function fireThese(
  db: Database,
  kind: store.Kind,
  due: readonly store.DueSchedule[],
  now: Date,
): Promise<number[]> {
  const planned = due.map((schedule) => ({ schedule, plan: planOf(schedule, now.getTime()) }));
  const { shots, refused } = await sort(db, planned);
  const wanted = shots.map((shot) => runOf(shot, madeBy(shot)));
  const made = new Map(wanted.map((run) => [run.schedule_id, run.job_id ?? run.run_id]));
  const steps = planned.map(({ schedule, plan }) => ({
    id: schedule.id,
    ...toNext(schedule, plan.next),
    last_tick_at: lastTick(plan),
    made: made.get(schedule.id) ?? null,
  }));
  // All else comes before the jobs: counting those locks the workspace's counter until the commit.
  await store.advanceSchedules(db, steps, now);
  await store.insertScheduleRuns(db, [...wanted, ...refused, ...planned.flatMap(missedRuns)], now);
  const fired = await fire(db, kind, shots);
  const otherwise = fired.runs.filter((run, index) => !isAlike(run, wanted[index]));
  await store.replaceScheduleRuns(db, otherwise, now);
  return fired.queues;
}

/** Of one shot: did what was written beforehand come true? */
function isAlike(one: store.NewScheduleRun, other: store.NewScheduleRun | undefined): boolean {
  return one.status === other?.status && one.job_id === other.job_id && one.run_id === other.run_id;
}

function lastTick({ fire: fired, missed }: Plan): string | null {
  const tick = fired.at(-1) ?? missed?.last;
  return tick === undefined ? null : new Date(tick).toISOString();
}

const provenance = { surface: "schedule" };

/** Which ticks make something, and what becomes of the others. */
async function sort(db: Database, planned: readonly Planned[]) {
  const patient = planned.filter(
    ({ schedule }) => schedule.overlap === "skip" && schedule.last_made !== null,
  );
  const unfinished = await store.findUnfinished(
    db,
    patient.map(({ schedule }) => schedule.id),
  );
  const left = await executionsLeft(db, planned);
  const shots: Shot[] = [];
  const refused: store.NewScheduleRun[] = [];
  for (const { schedule, plan } of planned) {
    for (const at of plan.fire) {
      const shot = { schedule, at, byHand: false, provenance };
      const refusal = refusalOf(schedule, unfinished, left);
      if (refusal) {
        refused.push(runOf(shot, refusal));
        continue;
      }
      shots.push(shot);
      left.set(schedule.workspace_id, (left.get(schedule.workspace_id) ?? Number.POSITIVE_INFINITY) - 1);
      // What it has just made is not finished either.
      if (schedule.overlap === "skip") unfinished.add(schedule.id);
    }
  }
  return { shots, refused };
}

function refusalOf(
  { id, suspended, workspace_id: workspaceId }: store.DueSchedule,
  unfinished: ReadonlySet<string>,
  left: ReadonlyMap<string, number>,
): Pick<store.NewScheduleRun, "status" | "reason"> | undefined {
  if (suspended) return { status: "failed", reason: "workspace_suspended" };
  if (unfinished.has(id)) return { status: "skipped", reason: "overlap" };
  if ((left.get(workspaceId) ?? 1) <= 0) return { status: "failed", reason: "quota_exceeded" };
  return undefined;
}

/** By workspace, where there is a quota; locked, so that nobody else uses them up meanwhile. */
async function executionsLeft(db: Database, planned: readonly Planned[]): Promise<Map<string, number>> {
  const quotas = new Map<string, number>();
  for (const { schedule } of planned) {
    const custom = {
      requestsPerMinute: null,
      retentionDays: null,
      executionsPerMonth: schedule.executions_per_month,
    };
    const own = custom.executionsPerMonth === null ? null : Number(custom.executionsPerMonth);
    const { executionsPerMonth } = limitsOf(schedule.plan, { ...custom, executionsPerMonth: own });
    if (executionsPerMonth !== null) quotas.set(schedule.workspace_id, executionsPerMonth);
  }
  const used = await store.lockExecutions(db, [...quotas.keys()]);
  return new Map([...quotas].map(([id, quota]) => [id, quota - (used.get(id) ?? 0)]));
}

/** One entry for all ticks that are given up. */
function missedRuns({ schedule, plan: { missed } }: Planned): store.NewScheduleRun[] {
  if (!missed) return [];
  const missedFrom = new Date(missed.first).toISOString();
  const shot = { schedule, at: missed.last, byHand: false };
  return [runOf(shot, { status: "skipped", reason: "missed", missed_from: missedFrom })];
}
