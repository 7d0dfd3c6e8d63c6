// How the time of a run or a step is divided: it was queued, it waited, it ran.

import type { RunStatus } from "./run.ts";

export type Timings = { queued_ms: number; waiting_ms: number; running_ms: number };

export type TimedRun = {
  status: RunStatus;
  /** A drive holds it. */
  isDriven: boolean;
  /** When it came to be as it is. */
  since: Date;
  dueAt: Date | null;
  /** Of everything before that. */
  before: Timings;
  now: Date;
};

export function timingsOfRun({ status, isDriven, since, dueAt, before, now }: TimedRun): Timings {
  if (status === "completed" || status === "failed" || status === "cancelled") return before;
  if (isDriven) return { ...before, running_ms: before.running_ms + between(since, now) };
  // Once what it waited for has come, it only waits for somebody to drive it.
  const ready = dueAt && dueAt < now ? later(since, dueAt) : now;
  return {
    ...before,
    waiting_ms: before.waiting_ms + between(since, ready),
    queued_ms: before.queued_ms + between(ready, now),
  };
}

export type TimedStep = {
  /** The app executes it; otherwise it only waits. */
  isWork: boolean;
  startedAt: Date;
  endedAt: Date | null;
  /** Of all attempts together. */
  runningMs: number;
  /** Pauses that were chosen between them. */
  betweenMs: number;
  now: Date;
};

export function timingsOfStep({ isWork, startedAt, endedAt, runningMs, betweenMs, now }: TimedStep): Timings {
  const total = between(startedAt, endedAt ?? now);
  if (!isWork) return { queued_ms: 0, waiting_ms: total, running_ms: 0 };
  const waiting = Math.min(betweenMs, Math.max(0, total - runningMs));
  // A lone attempt is measured by the app and dated by the server: what does not add up is no queue.
  const queued = betweenMs === 0 ? 0 : Math.max(0, total - runningMs - waiting);
  return { queued_ms: queued, waiting_ms: waiting, running_ms: runningMs };
}

function between(from: Date, to: Date): number {
  return Math.max(0, to.getTime() - from.getTime());
}

function later(one: Date, other: Date): Date {
  return one > other ? one : other;
}
