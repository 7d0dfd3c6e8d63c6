// From what was sent to what a schedule is told to do.

import { isDeepStrictEqual } from "node:util";
import { type Contract, invalidInput, type ParsedInputOf, type Problem } from "@rotorsh/contract";
import { CronError, parseCron } from "../core/cron.ts";
import { ruleOf, toNext } from "../core/schedule.ts";
import { nextTick } from "../core/ticks.ts";
import { isTimeZone } from "../core/time-zone.ts";
import { must } from "../must.ts";
import type { NextTick, ScheduleRow, ScheduleSettings } from "../store/schedules.ts";
import { toPayload } from "../submission.ts";

export type Sent = Omit<ParsedInputOf<Contract["schedules"]["update"]>, "id">;

/** What only a workflow's registration decides, of the schedule that came with it. */
const managed = ["name", "cron", "timezone", "queue", "queue_name", "workflow"] as const;

export const isManaged = (sent: Sent) => managed.some((field) => sent[field] !== undefined);

const defaults = {
  payload: null,
  dst_gap: "run",
  dst_overlap: null,
  catch_up: "last",
  overlap: "allow",
  start_at: null,
  end_at: null,
  jitter_seconds: 0,
  paused_at: null,
} as const;

/** Where a new schedule begins; what it cannot do without must have been sent. */
export function newSettings(sent: Sent): ScheduleSettings {
  const queue = sent.queue ?? sent.queue_name ?? null;
  const target = queue ?? sent.workflow;
  const problems = [
    ...(sent.cron === undefined ? [{ path: "cron", problem: "is required" }] : []),
    ...(sent.timezone === undefined ? [{ path: "timezone", problem: "is required" }] : []),
    ...(target === undefined ? [{ path: "queue", problem: "is required, or else workflow" }] : []),
  ];
  if (problems.length > 0) throw invalidInput(problems);
  const workflow = sent.workflow ?? null;
  const rule = { cron: must(sent.cron, "cron"), timezone: must(sent.timezone, "timezone") };
  return {
    ...defaults,
    ...rule,
    name: sent.name ?? must(target, "a target"),
    queue_name: queue,
    workflow_id: workflow,
  };
}

/** The settings after a change; fields that were not sent keep their value. */
export function settle(before: ScheduleSettings, sent: Sent, now: Date): ScheduleSettings {
  const queue = agreed(sent, "queue", "queue_name");
  const payload = agreed(sent, "payload", "job_data");
  if (queue !== undefined && sent.workflow !== undefined) {
    throw invalidInput([{ path: "workflow", problem: "does not go with queue; send one of them" }]);
  }
  const settings: ScheduleSettings = {
    name: sent.name ?? before.name,
    queue_name: queue ?? (sent.workflow === undefined ? before.queue_name : null),
    workflow_id: sent.workflow ?? (queue === undefined ? before.workflow_id : null),
    cron: sent.cron?.trim() ?? before.cron,
    timezone: sent.timezone ?? before.timezone,
    payload: payload === undefined ? before.payload : toPayload(payload),
    dst_gap: sent.dst_gap ?? before.dst_gap,
    dst_overlap: sent.dst_overlap === undefined ? before.dst_overlap : sent.dst_overlap,
    catch_up: sent.catch_up ?? before.catch_up,
    overlap: sent.overlap ?? before.overlap,
    start_at: sent.start_at === undefined ? before.start_at : sent.start_at,
    end_at: sent.end_at === undefined ? before.end_at : sent.end_at,
    jitter_seconds: sent.jitter_seconds ?? before.jitter_seconds,
    paused_at: pausedAt(before.paused_at, sent.enabled, now),
  };
  checkRule(settings);
  return settings;
}

function agreed<Name extends "queue" | "payload", Alias extends keyof Sent>(
  sent: Sent,
  name: Name,
  alias: Alias,
): Sent[Name] | undefined {
  if (sent[name] !== undefined && sent[alias] !== undefined && !isDeepStrictEqual(sent[name], sent[alias])) {
    throw invalidInput([{ path: alias, problem: `disagrees with ${name}; send one of them` }]);
  }
  return sent[name] ?? (sent[alias] as Sent[Name]);
}

function pausedAt(before: string | null, enabled: boolean | undefined, now: Date): string | null {
  if (enabled === undefined) return before;
  return enabled ? null : (before ?? now.toISOString());
}

function checkRule({ cron, timezone, start_at, end_at }: ScheduleSettings): void {
  const problems = [
    ...problemsOfRule({ cron, timezone }, "cron", "timezone"),
    ...(start_at && end_at && Date.parse(start_at) > Date.parse(end_at)
      ? [{ path: "end_at", problem: "is before start_at" }]
      : []),
  ];
  if (problems.length > 0) throw invalidInput(problems);
}

/** What is wrong with a rule, under the names that its fields were sent by. */
export function problemsOfRule(
  { cron, timezone }: { cron: string; timezone: string },
  cronPath: string,
  zonePath: string,
): Problem[] {
  return [
    ...problemOfCron(cron).map((problem) => ({ path: cronPath, problem })),
    ...(isTimeZone(timezone)
      ? []
      : [
          {
            path: zonePath,
            problem: "is not an IANA time zone such as Europe/Berlin; no offsets",
          },
        ]),
  ];
}

function problemOfCron(cron: string): string[] {
  try {
    parseCron(cron);
    return [];
  } catch (error) {
    if (error instanceof CronError) return [error.message];
    throw error;
  }
}

/**
 * When it fires next. A tick whose time has come fires, whatever was changed since; a time that has been is never
 * made again, whatever the clock says now.
 */
export function settleNext(
  id: string,
  before: ScheduleRow | undefined,
  settings: ScheduleSettings,
  now: Date,
): NextTick {
  if (settings.paused_at) return { next_tick_at: null, due_at: null };
  const timing = { ...settings, id };
  if (before?.next_tick_at && Date.parse(before.next_tick_at) <= now.getTime()) {
    return toNext(timing, Date.parse(before.next_tick_at));
  }
  const last = before?.last_tick_at ? Date.parse(before.last_tick_at) : Number.NEGATIVE_INFINITY;
  const next = nextTick(ruleOf(timing), Math.max(now.getTime(), last));
  if (next === null && !before) {
    throw invalidInput([{ path: "end_at", problem: "leaves no time at which it would fire" }]);
  }
  return toNext(timing, next);
}

export function targetOf(s: Pick<ScheduleSettings, "queue_name" | "workflow_id">) {
  return s.queue_name === null ? { workflow: must(s.workflow_id, "a workflow") } : { queue: s.queue_name };
}
