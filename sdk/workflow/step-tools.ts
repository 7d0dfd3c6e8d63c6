// `step.*`: each call says what it is, and the machine decides whether it is answered, executed or waited for.
// What the server would refuse is refused here, with the step's name.

import type { Wait } from "@rotorsh/contract";
import type { Ask } from "./drive.ts";
import { parseDuration } from "./duration.ts";
import { NonRetriableError } from "./errors.ts";
import { toStored } from "./step-data.ts";
import type { StepTools } from "./types.ts";

const longestInvokeMs = 24 * 60 * 60 * 1000;
const longestWaitMs = 100 * 365 * 24 * 60 * 60 * 1000;
const largestDataBytes = 512 * 1024;
const eventName = /^[A-Za-z0-9._/-]{1,128}$/;

type SignalOptions = { signal: string; timeout: string; approval?: boolean; prompt?: string };
type Waiting = Wait["kind"] & ("sleep" | "event" | "signal" | "invoke");

export function createStepTools(ask: Ask, runId: string): StepTools {
  const wait = (id: string, kind: Waiting, rest: object) =>
    ask({ id, kind, wait: (key) => ({ key, name: id, kind, ...rest }) as Wait });

  const run = (id: string, execute: () => unknown) => {
    if (typeof execute !== "function") refuse(id, "gets no function to run");
    return ask({ id: named(id), kind: "run", execute });
  };

  const waitForSignal = (id: string, { signal, timeout, approval, prompt }: SignalOptions) => {
    if (typeof signal !== "string" || signal.length === 0 || signal.length > 256)
      refuse(id, "needs a signal id of 1 to 256 characters");
    return wait(named(id), "signal", {
      signal,
      timeoutMs: duration(id, timeout),
      // A signal id that begins so has always meant that a person decides.
      ...((approval || signal.startsWith("approval-")) && {
        approval: prompt === undefined ? {} : { prompt: String(prompt).slice(0, 2000) },
      }),
    });
  };

  const tools = {
    run,
    parallel: (id: string, works: readonly (() => unknown)[]) =>
      Promise.all(works.map((work, index) => run(`${named(id)}[${index}]`, work))),
    sleep: async (id: string, time: string) => {
      await wait(named(id), "sleep", { forMs: duration(id, time) });
    },
    sleepUntil: async (id: string, time: number | Date | string) => {
      await wait(named(id), "sleep", { until: toTime(id, time) });
    },
    waitForEvent: async (
      id: string,
      { event, match, timeout }: { event: string; match?: string; timeout: string },
    ) =>
      wait(named(id), "event", {
        event: named(id) && eventNamed(id, event),
        timeoutMs: duration(id, timeout),
        ...(match !== undefined && { match }),
      }),
    waitForSignal: async (id: string, options: SignalOptions) => waitForSignal(id, options),
    waitForApproval: async (id: string, { signal, ...rest }: Partial<SignalOptions> & { timeout: string }) =>
      waitForSignal(id, { signal: signal ?? `approval-${runId}-${named(id)}`, approval: true, ...rest }),
    invoke: async (
      id: string,
      { workflow, data, timeout }: { workflow: { id: string }; data: unknown; timeout: string },
    ) => {
      const timeoutMs = duration(id, timeout);
      if (timeoutMs > longestInvokeMs) refuse(id, "has a timeout of more than 24 hours");
      return wait(named(id), "invoke", { workflow: workflow.id, data: toData(id, data), timeoutMs });
    },
    sendEvent: async (id: string, { name, data, ts }: { name: string; data: unknown; ts?: number }) => {
      if (ts !== undefined && (!Number.isFinite(ts) || ts < 0))
        refuse(id, "has a `ts` that is not in milliseconds since 1970, such as date.getTime()");
      const send = { name: eventNamed(id, name), data: toData(id, data), ...(ts !== undefined && { ts }) };
      // Nothing to execute here: the server publishes it together with the record, so never twice and never not.
      await ask({ id: named(id), kind: "send", execute: () => null, send });
    },
  };
  return tools as unknown as StepTools;
}

function refuse(id: string, why: string): never {
  throw new NonRetriableError(`Step "${id}" ${why}.`);
}

function named(id: string): string {
  if (typeof id !== "string" || id.length === 0 || id.length > 256 || /[\0\p{Cs}]/u.test(id)) {
    throw new NonRetriableError("A step needs an id of 1 to 256 characters.");
  }
  return id;
}

function eventNamed(id: string, name: string): string {
  if (!eventName.test(name))
    refuse(id, "names an event with other characters than letters, digits and . _ / -");
  return name;
}

function duration(id: string, text: string): number {
  try {
    const ms = parseDuration(text);
    if (ms <= longestWaitMs) return ms;
  } catch (error) {
    refuse(id, `cannot wait: ${(error as Error).message.replace(/\.$/, "")}`);
  }
  return refuse(id, "waits longer than 100 years");
}

function toData(id: string, data: unknown): unknown {
  const stored = toStored(`Step "${id}"`, data);
  if (Buffer.byteLength(JSON.stringify(stored)) > largestDataBytes)
    refuse(id, "sends more than 512 KB of data");
  return stored;
}

function toTime(id: string, time: number | Date | string): number {
  const ms = new Date(time).getTime();
  if (Number.isNaN(ms) || ms < 0) refuse(id, "sleeps until something that is not a time");
  return ms;
}
