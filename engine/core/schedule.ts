// What a schedule's settings mean for its ticks. Pure: time arrives as an argument.

import { parseCron } from "./cron.ts";
import { type Due, nextTick, type Plan, planTicks, type Rule } from "./ticks.ts";

/** As much of a schedule as decides when it fires. */
export type Timing = {
  id: string;
  cron: string;
  timezone: string;
  dst_gap: "run" | "skip";
  dst_overlap: "once" | "twice" | null;
  catch_up: Due["catchUp"];
  start_at: string | null;
  end_at: string | null;
  jitter_seconds: number;
};

const instant = (text: string | null) => (text === null ? null : Date.parse(text));

export function ruleOf(timing: Omit<Timing, "id">): Rule {
  return {
    cron: parseCron(timing.cron),
    timezone: timing.timezone,
    dstGap: timing.dst_gap,
    dstOverlap: timing.dst_overlap,
    startAt: instant(timing.start_at),
    endAt: instant(timing.end_at),
  };
}

const hexDigits = 8;

/** A schedule's own share of its jitter: always the same, and as random as its id. */
export function jitterMsOf({ id, jitter_seconds: seconds }: Pick<Timing, "id" | "jitter_seconds">): number {
  return Math.floor((Number.parseInt(id.slice(-hexDigits), 16) / 16 ** hexDigits) * seconds * 1000);
}

/** The next tick as a schedule's row has it. */
export function toNext(timing: Pick<Timing, "id" | "jitter_seconds">, tick: number | null) {
  if (tick === null) return { next_tick_at: null, due_at: null };
  return {
    next_tick_at: new Date(tick).toISOString(),
    due_at: new Date(tick + jitterMsOf(timing)).toISOString(),
  };
}

export function nextTicks(timing: Timing, after: number, count: number): number[] {
  const rule = ruleOf(timing);
  const ticks: number[] = [];
  for (let at: number | null = after; ticks.length < count; ) {
    at = nextTick(rule, at);
    if (at === null) break;
    ticks.push(at);
  }
  return ticks;
}

export function planOf(timing: Timing & { next_tick_at: string | null }, now: number): Plan {
  const tick = instant(timing.next_tick_at) ?? now;
  return planTicks(
    { rule: ruleOf(timing), catchUp: timing.catch_up, tick, jitterMs: jitterMsOf(timing) },
    now,
  );
}
