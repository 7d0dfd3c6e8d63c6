// `step.*`: each call says what it is, and the machine decides whether it is answered, executed or waited for.

import type { Wait } from "@rotorsh/contract";
import type { Ask } from "./drive.ts";
import { parseDuration } from "./duration.ts";
import { NonRetriableError } from "./errors.ts";
import type { StepTools } from "./types.ts";

const longestInvokeMs = 24 * 60 * 60 * 1000;

export function createStepTools(ask: Ask, runId: string): StepTools {
  const wait = (id: string, kind: Wait["kind"] & ("sleep" | "event" | "signal" | "invoke"), rest: object) =>
    ask({ id, kind, wait: (key) => ({ key, name: id, kind, ...rest }) as Wait });

  const run = (id: string, execute: () => unknown) => ask({ id: named(id), kind: "run", execute });

  const waitForSignal = (id: string, { signal, timeout, approval, prompt }: SignalOptions) =>
    wait(named(id), "signal", {
      signal,
      timeoutMs: parseDuration(timeout),
      // A signal id that begins so has always meant that a person decides.
      ...((approval || signal.startsWith("approval-")) && {
        approval: prompt === undefined ? {} : { prompt },
      }),
    });

  const tools = {
    run,
    parallel: (id: string, works: readonly (() => unknown)[]) =>
      Promise.all(works.map((work, index) => run(`${named(id)}[${index}]`, work))),
    sleep: async (id: string, duration: string) => {
      await wait(named(id), "sleep", { forMs: parseDuration(duration) });
    },
    sleepUntil: async (id: string, time: number | Date | string) => {
      await wait(named(id), "sleep", { until: toTime(id, time) });
    },
    waitForEvent: (
      id: string,
      { event, match, timeout }: { event: string; match?: string; timeout: string },
    ) =>
      wait(named(id), "event", {
        event,
        timeoutMs: parseDuration(timeout),
        ...(match !== undefined && { match }),
      }),
    waitForSignal,
    waitForApproval: (id: string, { signal, ...rest }: Partial<SignalOptions> & { timeout: string }) =>
      waitForSignal(id, { signal: signal ?? `approval-${runId}-${id}`, approval: true, ...rest }),
    invoke: (
      id: string,
      { workflow, data, timeout }: { workflow: { id: string }; data: unknown; timeout: string },
    ) => {
      const timeoutMs = parseDuration(timeout);
      if (timeoutMs > longestInvokeMs)
        throw new NonRetriableError(`The timeout of step "${id}" is over 24 hours.`);
      return wait(named(id), "invoke", { workflow: workflow.id, data: data ?? null, timeoutMs });
    },
    sendEvent: async (id: string, event: { name: string; data: unknown; ts?: number }) => {
      // Nothing to execute here: the server publishes it together with the record, so never twice and never not.
      await ask({ id: named(id), kind: "send", execute: () => null, send: event });
    },
  };
  return tools as unknown as StepTools;
}

type SignalOptions = { signal: string; timeout: string; approval?: boolean; prompt?: string };

function named(id: string): string {
  if (typeof id !== "string" || id.length === 0 || id.length > 256) {
    throw new NonRetriableError("A step needs an id of 1 to 256 characters.");
  }
  return id;
}

function toTime(id: string, time: number | Date | string): number {
  const ms = new Date(time).getTime();
  if (Number.isNaN(ms))
    throw new NonRetriableError(`Step "${id}" sleeps until something that is not a time.`);
  return ms;
}
