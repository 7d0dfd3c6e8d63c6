// What a tested run waits for, and how each wait ends. Times are milliseconds of the kit's own clock.

import { type Memo, matches, parseMatch, type Wait as Waited } from "@rotorsh/contract";
import { retryAfterMs } from "./retry-pause.ts";

/** What the server would note; of the others it knows already. */
export type Wait = Exclude<Waited, { kind: "later" }>;
export type Held = { wait: Wait; dueAt: number };

type Event = { id: string; name: string; data: unknown; ts: number };

export function dueAtOf(wait: Wait, now: number): number {
  switch (wait.kind) {
    case "sleep":
      return "until" in wait ? wait.until : now + wait.forMs;
    case "retry":
      return now + (wait.afterMs ?? retryAfterMs(wait.attempt));
    case "event":
    case "signal":
    case "invoke":
      return now + wait.timeoutMs;
  }
}

/** What a wait comes to that nothing ended in time; undefined for a step that is tried again. */
export function overdue({ kind, name }: Wait): Memo | undefined {
  switch (kind) {
    case "retry":
      return undefined;
    case "sleep":
    case "event":
      return { ok: null };
    case "signal":
      return failed("SignalTimeoutError", `No signal came in time for step ${name}.`);
    case "invoke":
      return failed(
        "WorkflowTimeoutError",
        `The invoked run did not end in time for step ${name}; it goes on.`,
      );
  }
}

export function failed(name: string, message: string, data?: Record<string, unknown>): Memo {
  return { error: { name, message, ...(data && { data }) } };
}

export function fits(wait: Wait, event: Event): boolean {
  if (wait.kind !== "event" || wait.event !== event.name) return false;
  return wait.match === undefined || matches(parseMatch(wait.match), event);
}

/** Can only the test bring it, and not the clock alone? */
export function isForTest({ wait }: Held): boolean {
  return wait.kind === "event" || wait.kind === "signal";
}

/** In words, and what a test can do about it. */
export function describe({ wait }: Held): string {
  const step = `step "${wait.name}"`;
  switch (wait.kind) {
    case "event":
      return `${step} waits for the event "${wait.event}"${wait.match ? ` with ${wait.match}` : ""}: call send()`;
    case "signal":
      return wait.approval
        ? `${step} waits for a decision: call approve()`
        : `${step} waits for the signal "${wait.signal}": call signal()`;
    case "invoke":
      return `${step} waits for the workflow "${wait.workflow}"`;
    case "sleep":
    case "retry":
      return `${step} waits for its time: call advance() or finish()`;
  }
}
