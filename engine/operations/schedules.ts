import { isDeepStrictEqual } from "node:util";
import { type Contract, RotorError, ScheduleName } from "@rotorsh/contract";
import { jitterMsOf, nextTicks } from "../core/schedule.ts";
import { localTime } from "../core/time-zone.ts";
import { type Context, type Handlers, workspaceOf } from "../handler.ts";
import { newId } from "../ids.ts";
import { isTaken } from "../store/database.ts";
import { hasHistory, listScheduleRuns } from "../store/schedule-runs.ts";
import * as store from "../store/schedules.ts";
import { fireByHand } from "./schedule-fire.ts";
import { isManaged, newSettings, type Sent, settle, settleNext, targetOf } from "./schedule-settings.ts";
import { auditedSchedule, toSchedule, toScheduleListed } from "./schedule-views.ts";

export const schedules: Handlers<Contract>["schedules"] = {
  async list(input, context) {
    const { data, nextCursor } = await store.listSchedules(context.db, workspaceOf(context).id, input);
    return { data: data.map(toScheduleListed), nextCursor };
  },

  async create(input, context) {
    const row = await create(input, context);
    if (!row) throw new RotorError("SCHEDULE_EXISTS", { name: input.name });
    return toSchedule(row);
  },

  async upsert(input, context) {
    const current = await store.lockSchedule(context.db, workspaceOf(context).id, input.name);
    if (current)
      return { ...(await update(current, { ...input, name: undefined }, context)), created: false };
    // A handle that no new schedule may have as its name.
    if (!ScheduleName.safeParse(input.name).success)
      throw new RotorError("SCHEDULE_NOT_FOUND", { id: input.name });
    const row = await create(input, context);
    if (row) return { ...toSchedule(row), created: true };
    // Somebody else created it since we looked: then ours is a change.
    return {
      ...(await update(await lock(input.name, context), { ...input, name: undefined }, context)),
      created: false,
    };
  },

  get: async ({ id }, context) => toSchedule(await find(id, context)),

  update: async ({ id, ...sent }, context) => update(await lock(id, context), sent, context),

  async delete({ id, dry_run: dryRun }, context) {
    const row = await lock(id, context);
    if (row.registered) throw new RotorError("SCHEDULE_REGISTERED", { name: row.name });
    const { name, next_fire_at } = toScheduleListed(row);
    if (dryRun) return { deleted: false, name, next_fire_at };
    await store.deleteSchedule(context.db, row);
    context.record({ resource: name, before: auditedSchedule(row) });
    return { deleted: true, name, next_fire_at };
  },

  pause: async ({ id }, context) => update(await lock(id, context), { enabled: false }, context),
  resume: async ({ id }, context) => update(await lock(id, context), { enabled: true }, context),

  async fireNow({ id }, context) {
    const row = await lock(id, context);
    return fireByHand(row, workspaceOf(context), context);
  },

  async runs({ id, ...page }, context) {
    const { db } = context;
    const { id: workspaceId } = workspaceOf(context);
    const found = await store.findSchedule(db, workspaceId, id);
    if (!found && !(await hasHistory(db, workspaceId, id)))
      throw new RotorError("SCHEDULE_NOT_FOUND", { id });
    return listScheduleRuns(db, workspaceId, found?.id ?? id, page);
  },

  async next({ id, count }, context) {
    const row = await find(id, context);
    const now = context.now.getTime();
    // What is due and not fired yet comes first.
    const due = row.next_tick_at === null ? [] : [Date.parse(row.next_tick_at)];
    const after = due[0] ?? Math.max(now, row.last_tick_at === null ? now : Date.parse(row.last_tick_at));
    const ticks = [...due, ...nextTicks(row, after, count)].slice(0, count);
    return {
      schedule: row.name,
      timezone: row.timezone,
      enabled: row.paused_at === null,
      ticks: ticks.map((tick) => ({
        scheduled_for: new Date(tick).toISOString(),
        local: localTime(row.timezone, tick),
        fires_at: new Date(tick + jitterMsOf(row)).toISOString(),
      })),
    };
  },
};

async function find(id: string, context: Context): Promise<store.ScheduleRow> {
  const row = await store.findSchedule(context.db, workspaceOf(context).id, id);
  if (!row) throw new RotorError("SCHEDULE_NOT_FOUND", { id });
  return row;
}

async function lock(id: string, context: Context): Promise<store.ScheduleRow> {
  const row = await store.lockSchedule(context.db, workspaceOf(context).id, id);
  if (!row) throw new RotorError("SCHEDULE_NOT_FOUND", { id });
  return row;
}

/** Undefined when the name is taken. */
async function create(sent: Sent, context: Context): Promise<store.ScheduleRow | undefined> {
  const { id: workspaceId } = workspaceOf(context);
  const id = newId("sched");
  const settings = settle(newSettings(sent), sent, context.now);
  await holdTarget(settings, context);
  const next = settleNext(id, undefined, settings, context.now);
  const owner = { id, workspaceId, registered: false };
  const insert = (name: string) => store.insertSchedule(context.db, owner, { ...settings, ...next, name });
  const row =
    (await insert(settings.name)) ??
    // A name that nobody asked for may be another one.
    (sent.name === undefined ? await insert(`${settings.name.slice(0, 119)}-${id.slice(-8)}`) : undefined);
  if (row) {
    await store.noteSetBy(context.db, row, context.caller.actorId);
    context.record({ resource: row.name, after: auditedSchedule(row) });
  }
  return row;
}

async function update(current: store.ScheduleRow, sent: Sent, context: Context) {
  if (current.registered && isManaged(sent))
    throw new RotorError("SCHEDULE_REGISTERED", { name: current.name });
  const settings = settle(current, sent, context.now);
  const before = { ...current, ...settings };
  if (isDeepStrictEqual(before, current)) return toSchedule(current);
  const moved = !isDeepStrictEqual(targetOf(settings), targetOf(current));
  if (moved) await holdTarget(settings, context);
  const next = settleNext(current.id, current, settings, context.now);
  const last_made = moved ? null : current.last_made;
  const change = { ...settings, ...next, last_made };
  const row = await store.changeSchedule(context.db, current, change).catch((error: unknown) => {
    // Another one took the name while this statement was under way.
    if (isTaken(error)) return undefined;
    throw error;
  });
  if (!row) throw new RotorError("SCHEDULE_EXISTS", { name: settings.name });
  if (moved || settings.payload !== current.payload) {
    await store.noteSetBy(context.db, row, context.caller.actorId);
  }
  context.record({ resource: row.name, before: auditedSchedule(current), after: auditedSchedule(row) });
  return toSchedule(row);
}

/** What it fires at must be there. */
async function holdTarget(settings: store.ScheduleSettings, context: Context): Promise<void> {
  const target = targetOf(settings);
  if (await store.holdTarget(context.db, workspaceOf(context).id, target)) return;
  if ("queue" in target) throw new RotorError("QUEUE_NOT_FOUND", { name: target.queue });
  throw new RotorError("WORKFLOW_NOT_FOUND", { id: target.workflow });
}
