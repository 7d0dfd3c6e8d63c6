// The life of a run. Pure: no clock, no database, no network.
//
//   pending ──claimed──► running ──suspended──► sleeping | waiting ──claimed──► running
//                           │  ├──tried again──► sleeping
//                           │  ├──completed──► completed
//                           │  └──failed──► failed
//   pending | running | sleeping | waiting ──cancelled──► cancelled

import { type Backoff, longestDelayMs, retryDelayMs } from "./retry.ts";

export const runStatuses = [
  "pending",
  "running",
  "sleeping",
  "waiting",
  "completed",
  "failed",
  "cancelled",
] as const;
export type RunStatus = (typeof runStatuses)[number];

export function isEnded(status: RunStatus): boolean {
  return status === "completed" || status === "failed" || status === "cancelled";
}

/** Between the attempts of a step or of a whole function. */
const backoff: Backoff = { type: "exponential", delay: 1000, jitter: 0.2 };
const longestRetryMs = 60 * 60 * 1000;

/** When a failed attempt is tried again; the code may ask for a time of its own. */
export function retryAfterMs(attempt: number, afterMs: number | undefined, random: number): number {
  if (afterMs !== undefined) return Math.min(Math.max(0, Math.round(afterMs)), longestDelayMs);
  return Math.min(retryDelayMs(backoff, attempt, random), longestRetryMs);
}

/** A drive that came to nothing: nobody answered, or not as agreed. */
export type DriveFailure = { message: string /** Asking again will hardly help. */; refused: boolean };

const mostFailures = 12;
const mostRefusals = 5;
const longestPauseMs = 5 * 60 * 1000;

/** After how long the app is asked again; undefined when the run ends instead. `failures` counts this one. */
export function driveAgainMs(failure: DriveFailure, failures: number, random: number): number | undefined {
  if (failures >= (failure.refused ? mostRefusals : mostFailures)) return undefined;
  return Math.min(retryDelayMs(backoff, failures, random), longestPauseMs);
}
