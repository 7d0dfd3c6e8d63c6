// Runs a workflow function from its top: steps that are known answer at once, new ones are executed, and what must
// be waited for ends the drive. The same code serves the real adapter and the testing kit.

import type { DriveRequest, DriveResult, Memo, StepKind, StepRecord, Wait } from "@rotorsh/contract";
import { isNonRetriable, retryAfterMs, toErrorBody, toThrown } from "./errors.ts";
import { quietWhile } from "./replay-logger.ts";
import { toStored } from "./step-data.ts";
import { stepKey } from "./step-key.ts";
import { createStepTools } from "./step-tools.ts";
import type { Logger, WorkflowFunction } from "./types.ts";

/** Sends finished steps and waits until they are stored; false when the lease is lost. */
export type SendCheckpoint = (steps: StepRecord[]) => Promise<boolean>;

export type DriveOptions = {
  /** Null: the server cannot be reached from here; each drive then ends with its first new step. */
  checkpoint: SendCheckpoint | null;
  logger?: Logger;
  /** True when nobody waits for the answer any more: no new step is started. */
  isAbandoned?: () => boolean;
};

/** Attempts after the first where the function does not say. */
export const defaultRetries = 3;

/** What a step call hands to the machine. */
export type Asked = { id: string; kind: StepKind } & (
  | { execute: () => unknown; send?: StepRecord["send"] }
  | { wait: (key: string) => Wait }
);

export type Ask = (asked: Asked) => Promise<unknown>;

// Of a step that will not be answered in this drive. The function's frame is left behind with it.
const never = new Promise<never>(() => {});

export async function drive(
  fn: WorkflowFunction,
  request: DriveRequest,
  options: DriveOptions,
): Promise<DriveResult> {
  const started = performance.now();
  const retries = fn.options.retries ?? defaultRetries;
  const occurrences = new Map<string, number>();
  const asked = new Set<string>();
  const waits = new Map<string, Wait>();
  let records: StepRecord[] = [];
  let running = 0;
  let sending: Promise<void> | undefined;
  let ending: "yielded" | "stopped" | undefined;
  let isReplaying = Object.keys(request.steps).length > 0;
  let announceQuiet: (() => void) | undefined;
  const quiet = new Promise<void>((resolve) => {
    announceQuiet = resolve;
  });

  async function ask(step: Asked): Promise<unknown> {
    const occurrence = occurrences.get(step.id) ?? 0;
    occurrences.set(step.id, occurrence + 1);
    const key = stepKey(step.id, occurrence);
    asked.add(key);
    const memo = request.steps[key];
    if (memo) return answer(step.id, memo);
    isReplaying = false;
    if ("wait" in step) {
      waits.set(key, step.wait(key));
      watch();
      return never;
    }
    await flush();
    if (ending === undefined && mustYield()) ending = "yielded";
    if (ending !== undefined) {
      watch();
      return never;
    }
    return execute(key, step);
  }

  async function execute(key: string, step: Extract<Asked, { execute: unknown }>): Promise<unknown> {
    const begun = performance.now();
    const attempt = (request.attempts[key] ?? 0) + 1;
    const record = (outcome: Memo): void => {
      const durationMs = Math.round(performance.now() - begun);
      const { id: name, kind, send } = step;
      records.push({ key, name, kind, outcome, attempt, durationMs, ...(send && { send }) });
    };
    running++;
    try {
      const value = toStored(step.id, await step.execute());
      record({ ok: value });
      return value;
    } catch (thrown) {
      const error = toErrorBody(thrown);
      if (attempt <= retries && !isNonRetriable(thrown)) {
        const afterMs = retryAfterMs(thrown);
        const durationMs = Math.round(performance.now() - begun);
        waits.set(key, {
          kind: "retry",
          key,
          name: step.id,
          error,
          attempt,
          durationMs,
          ...(afterMs !== undefined && { afterMs }),
        });
        return never;
      }
      record({ error });
      throw toThrown(step.id, error);
    } finally {
      running--;
      watch();
    }
  }

  /** Earlier steps are stored before a new one starts. Steps that finished together share one message. */
  async function flush(): Promise<void> {
    while (sending) await sending;
    if (records.length === 0 || !options.checkpoint || ending === "stopped") return;
    const sent = records;
    records = [];
    sending = options
      .checkpoint(sent)
      .then((kept) => {
        if (!kept) ending = "stopped";
      })
      .finally(() => {
        sending = undefined;
      });
    await sending;
  }

  function mustYield(): boolean {
    if (options.isAbandoned?.()) return true;
    if (!options.checkpoint && records.length > 0) return true;
    return performance.now() - started > request.budgetMs;
  }

  /** The drive ends once nothing runs, something is waited for, and the code asks for nothing more. */
  function watch(): void {
    const before = asked.size;
    void turns(3).then(() => {
      if (running === 0 && !sending && asked.size === before && (waits.size > 0 || ending)) announceQuiet?.();
    });
  }

  const { event, run } = request;
  const context = {
    event,
    step: createStepTools(ask, run.id),
    runId: run.id,
    attempt: run.attempt,
    logger: quietWhile(() => isReplaying, options.logger ?? console),
  };
  const ended = Promise.resolve()
    .then(() => fn.handler(context as never))
    .then((output) => ({ state: "completed" as const, output: toStored("the function", output) }))
    .catch((thrown: unknown) => failed(thrown, run.attempt, retries));
  const outcome = await Promise.race([ended, quiet.then(() => suspended(ending, waits))]);
  while (sending) await sending;
  const result = ending === "stopped" ? { state: "stopped" as const } : outcome;
  return { ...result, steps: records, asked: [...asked] };
}

function answer(id: string, memo: Memo): unknown {
  if ("error" in memo) throw toThrown(id, memo.error);
  return memo.ok;
}

function suspended(ending: "yielded" | "stopped" | undefined, waits: ReadonlyMap<string, Wait>) {
  if (ending) return { state: ending };
  return { state: "waiting" as const, waits: [...waits.values()] };
}

function failed(thrown: unknown, attempt: number, retries: number) {
  const afterMs = retryAfterMs(thrown);
  // A step that has failed for good has had its attempts: the function is not tried again because of it.
  const isStepsOwn = thrown instanceof Error && thrown.name === "StepError";
  const retryable = attempt <= retries && !isNonRetriable(thrown) && !isStepsOwn;
  return {
    state: "failed" as const,
    error: toErrorBody(thrown),
    retryable,
    ...(afterMs !== undefined && { afterMs }),
  };
}

/** Lets promise callbacks and other branches of the function go on first. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
}
