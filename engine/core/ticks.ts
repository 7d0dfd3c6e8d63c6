// When a schedule fires. The scheduler and the preview both ask here. Pure; times are milliseconds.
//
// A zone's time is cut into stretches without a jump of its clocks. Within one, civil time and instants differ by a
// constant. At a jump forward some civil times do not exist: they are run as far after the jump as they lie in the
// gap, so 02:30 is 03:30. At a jump back some exist twice: the first time counts.

import { type Cron, horizonYears, nextCivil } from "./cron.ts";
import { stretchAt } from "./time-zone.ts";

export type Rule = {
  cron: Cron;
  timezone: string;
  dstGap: "run" | "skip";
  /** Null: once, but every time where the expression names every hour. */
  dstOverlap: "once" | "twice" | null;
  startAt: number | null;
  endAt: number | null;
};

const horizonMs = horizonYears * 366 * 86_400_000;
/** No clock is further from UTC, even while it jumps. */
const farthestMs = 2 * 86_400_000;

export function overlapOf({ cron, dstOverlap }: Pick<Rule, "cron" | "dstOverlap">): "once" | "twice" {
  return dstOverlap ?? (cron.everyHour ? "twice" : "once");
}

/** The first tick after this time; null when there is none any more. */
export function nextTick(rule: Rule, after: number): number | null {
  const tick = firstTick(rule, Math.max(after, (rule.startAt ?? Number.NEGATIVE_INFINITY) - 1));
  return tick === null || (rule.endAt !== null && tick > rule.endAt) ? null : tick;
}

function firstTick(rule: Rule, after: number): number | null {
  const { cron, timezone } = rule;
  const last = after + horizonMs;
  let from = after;
  while (from < last) {
    const stretch = stretchAt(timezone, from + 1000);
    const regular = regularTick(rule, stretch, from) ?? Number.POSITIVE_INFINITY;
    const missing = missingTick(rule, stretch, from) ?? Number.POSITIVE_INFINITY;
    const tick = Math.min(regular, missing);
    if (tick < stretch.end) return tick;
    // On to the next stretch, and over those in which there is nothing anyway.
    const civil = nextCivil(cron, stretch.end - farthestMs);
    if (civil === null) return null;
    from = Math.max(stretch.end - 1000, civil - 2 * farthestMs);
  }
  return null;
}

type Jumped = { start: number; offset: number; before: number };

/** A time that exists in this stretch, and is no repetition unless those are wanted. */
function regularTick(rule: Rule, { start, offset, before }: Jumped, from: number): number | null {
  const repeated = Math.max(0, before - offset);
  const first = overlapOf(rule) === "once" ? start + repeated : start;
  const civil = nextCivil(rule.cron, Math.max(from, first - 1000) + offset);
  return civil === null ? null : civil - offset;
}

/** A time that the jump at the beginning of this stretch left out. */
function missingTick(rule: Rule, { start, offset, before }: Jumped, from: number): number | null {
  const gap = offset - before;
  if (rule.dstGap === "skip" || gap <= 0 || from >= start + gap) return null;
  const civil = nextCivil(rule.cron, Math.max(from, start - 1000) + before);
  return civil === null || civil >= start + offset ? null : civil - before;
}

/** A tick that was found this much too late was missed. */
export const graceMs = 60_000;
/** Most missed ticks that `catch_up: all` makes up for; the newest. */
export const mostCaughtUp = 100;

export type Due = {
  rule: Rule;
  catchUp: "skip" | "last" | "all";
  /** The tick that is due, and how long after it the schedule fires. */
  tick: number;
  jitterMs: number;
};

export type Plan = {
  fire: number[];
  /** Ticks that are given up: the first and the last of them. */
  missed: { first: number; last: number } | null;
  next: number | null;
};

/** What is to be done about a schedule whose tick is due now. */
export function planTicks(due: Due, now: number): Plan {
  const { rule, catchUp, tick } = due;
  const until = now - due.jitterMs;
  if (tick > until) return { fire: [], missed: null, next: tick };
  const late = until - graceMs;
  if (tick >= late) {
    const fire = ticksIn(rule, tick, until);
    return { fire, missed: null, next: nextTick(rule, fire.at(-1) ?? tick) };
  }
  const afterLate = nextTick(rule, late - 1);
  const fresh = afterLate === null ? [] : ticksIn(rule, afterLate, until);
  const most = { skip: 0, last: fresh.length > 0 ? 0 : 1, all: mostCaughtUp }[catchUp];
  const missed = newestTicks(rule, tick, late, most + 1);
  const made = missed.length > most ? missed.slice(missed.length - most) : missed;
  const fire = [...made, ...fresh];
  return {
    fire,
    missed: missed.length > most ? { first: tick, last: missed[0] as number } : null,
    next: nextTick(rule, fire.at(-1) ?? (missed.at(-1) as number)),
  };
}

/** This tick and those after it. */
function ticksIn(rule: Rule, first: number, until: number): number[] {
  const ticks: number[] = [];
  for (let tick: number | null = first; tick !== null && tick <= until; tick = nextTick(rule, tick)) {
    ticks.push(tick);
  }
  return ticks;
}

/** The newest ticks before a time, found backwards, in windows that grow. The first tick of all is given. */
function newestTicks(rule: Rule, first: number, before: number, most: number): number[] {
  for (let windowMs = graceMs; ; windowMs *= 4) {
    const from = before - windowMs;
    const start = from <= first ? first : nextTick(rule, from);
    const ticks = start === null ? [] : ticksIn(rule, start, before - 1);
    if (ticks.length >= most || from <= first) return ticks.slice(-most);
  }
}
