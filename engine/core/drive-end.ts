// What the end of a drive means for its run. Pure: randomness for the retries arrives as an argument.

import type { DriveResult, Retry, StepErrorBody, Wait } from "@rotorsh/contract";
import { longestMatch, MatchError, parseMatch } from "@rotorsh/contract";
import { type DriveFailure, driveAgainMs, retryAfterMs } from "./run.ts";

/** A retry comes with the time that was chosen for it. */
export type RegisteredRetry = Retry & { inMs: number };
export type RegisteredWait = Exclude<Wait, { kind: "retry" }> | RegisteredRetry;

export type Next =
  | { kind: "completed"; output: unknown }
  | { kind: "failed"; error: StepErrorBody }
  /** The function as a whole is tried again. */
  | { kind: "retry"; error: StepErrorBody; inMs: number }
  | { kind: "wait"; waits: readonly RegisteredWait[]; status: "sleeping" | "waiting" }
  /** Nothing came of it: driven again, with what is known by then. */
  | {
      kind: "again";
      inMs: number;
      failures: number;
      error: StepErrorBody | null;
      retries?: readonly RegisteredRetry[];
    }
  /** The app was told of the run's end. */
  | { kind: "told"; hook: string; error: StepErrorBody | null };

export type Driven = {
  /** Of the function as a whole, from 1. */
  attempt: number;
  /** Drives in a row that came to nothing, before this one. */
  failures: number;
  /** The hook that was called instead of the function. */
  hook: string | null;
};

/** However many retries the app believes in. */
const mostAttempts = 101;

export function afterDrive(driven: Driven, result: DriveResult, random: number): Next {
  if (driven.hook !== null) {
    return { kind: "told", hook: driven.hook, error: result.state === "failed" ? result.error : null };
  }
  switch (result.state) {
    case "completed":
      return { kind: "completed", output: result.output };
    case "failed": {
      const { error, retryable, afterMs } = result;
      if (!retryable || driven.attempt >= mostAttempts) return { kind: "failed", error };
      return { kind: "retry", error, inMs: retryAfterMs(driven.attempt, afterMs, random) };
    }
    case "waiting":
      return afterWaiting(result.waits, random);
    case "yielded":
      return {
        ...{ kind: "again", inMs: 0, failures: 0, error: null },
        retries: distinct(result.retries ?? []).map((retry) => timed(retry, random)),
      };
    case "stopped":
      return afterFailure(
        driven,
        { message: "The app stopped the drive: its lease was refused.", refused: true },
        random,
      );
  }
}

function afterWaiting(waits: readonly Wait[], random: number): Next {
  const wrong = waits.flatMap((wait) => problemOf(wait) ?? [])[0];
  if (wrong) return { kind: "failed", error: { name: "NonRetriableError", message: wrong } };
  const registered = distinct(waits).map((wait) => (wait.kind === "retry" ? timed(wait, random) : wait));
  const forTime = waits.every(({ kind }) => kind === "sleep" || isTriedAgain(kind));
  return { kind: "wait", waits: registered, status: forTime ? "sleeping" : "waiting" };
}

export function isTriedAgain(kind: Wait["kind"]): boolean {
  return kind === "retry" || kind === "later";
}

function timed(retry: Retry, random: number): RegisteredRetry {
  return { ...retry, inMs: retryAfterMs(retry.attempt, retry.afterMs, random) };
}

function distinct<One extends { key: string }>(waits: readonly One[]): One[] {
  return [...new Map(waits.map((wait) => [wait.key, wait])).values()];
}

function problemOf(wait: Wait): string | undefined {
  if (wait.kind !== "event" || wait.match === undefined) return undefined;
  try {
    parseMatch(wait.match);
    return undefined;
  } catch (error) {
    if (!(error instanceof MatchError)) throw error;
    return `The match of step "${wait.name}" cannot be used: ${error.message} (of at most ${longestMatch}).`;
  }
}

/** Nobody answered, or not as agreed. */
export function afterFailure({ failures, hook }: Driven, failure: DriveFailure, random: number): Next {
  const error = { name: "DriveError", message: failure.message };
  const inMs = driveAgainMs(failure, failures + 1, random);
  if (inMs !== undefined) return { kind: "again", inMs, failures: failures + 1, error };
  return hook === null ? { kind: "failed", error } : { kind: "told", hook, error };
}

export const mostSteps = 10_000;
export const mostStepBytes = 32 * 1024 * 1024;
export const largestStepBytes = 4 * 1024 * 1024;
const largestDataBytes = 512 * 1024;

/** A run that has become too large to go on with. */
export function tooLarge(steps: number, bytes: number): StepErrorBody | undefined {
  if (steps <= mostSteps && bytes <= mostStepBytes) return undefined;
  const message =
    steps > mostSteps
      ? `The run has more than ${mostSteps} steps. Split it with step.invoke.`
      : "The results of the run's steps are larger than 32 MB together. Store them elsewhere and return references.";
  return { name: "RunTooLargeError", message };
}

/** What a drive brought that is larger than one thing may be, and which thing that is. */
export function oversized(result: DriveResult): StepErrorBody | undefined {
  const error = (message: string) => ({ name: "StepTooLargeError", message });
  for (const { name, outcome, send } of result.steps) {
    if (bytesOf("error" in outcome ? outcome.error : outcome.ok) > largestStepBytes) {
      return error(
        `The result of step "${name}" is larger than 4 MB. Store it elsewhere and return a reference.`,
      );
    }
    if (send && bytesOf(send.data) > largestDataBytes)
      return error(`The data that step "${name}" sends is larger than 512 KB.`);
  }
  if (result.state === "completed" && bytesOf(result.output) > largestStepBytes)
    return error(
      "The result of the function is larger than 4 MB. Store it elsewhere and return a reference.",
    );
  for (const wait of result.state === "waiting" ? result.waits : []) {
    if (wait.kind === "invoke" && bytesOf(wait.data) > largestDataBytes)
      return error(`The data that step "${wait.name}" invokes with is larger than 512 KB.`);
  }
  return undefined;
}

/** As JSON in UTF-8. Small things, which are nearly all, are not worth measuring exactly. */
export function bytesOf(value: unknown): number {
  const text = JSON.stringify(value ?? null);
  return text.length * 3 <= largestDataBytes ? text.length : new TextEncoder().encode(text).length;
}
