// Runs a workflow function from its top: steps that are known answer at once, new ones are executed, and what must
// be waited for ends the drive. The same code serves the real adapter and the testing kit.

import type { DriveRequest, DriveResult, Memo, Retry, StepKind, StepRecord, Wait } from "@rotorsh/contract";
import { isNonRetriable, NonRetriableError, retryAfterMs, toErrorBody, toThrown } from "./errors.ts";
import { quietWhile } from "./replay-logger.ts";
import { outerStep, runStep } from "./running-step.ts";
import { toStored } from "./step-data.ts";
import { stepKey } from "./step-key.ts";
import { createStepTools } from "./step-tools.ts";
import type { Logger, WorkflowFunction } from "./types.ts";

/**
 * Sends finished steps and waits until they are stored. `lost`: somebody else drives the run, or nobody should.
 * `unsent`: they were not stored, or not as sent; they go along with the answer.
 */
export type SendCheckpoint = (steps: readonly StepRecord[]) => Promise<"kept" | "lost" | "unsent">;

export type DriveOptions = {
  /** Null: the server cannot be reached from here; each drive then ends with its first new step. */
  checkpoint: SendCheckpoint | null;
  logger?: Logger | undefined;
  /** True when nobody waits for the answer any more: no new step is started. */
  isAbandoned?: (() => boolean) | undefined;
  /** What is executed instead of a step's own code; the testing kit plays steps so. */
  substitute?: ((stepId: string) => (() => unknown) | undefined) | undefined;
  /** How long one step may take; 5 minutes unless told. */
  stepTimeoutMs?: number | undefined;
};

/** Attempts after the first where the function does not say. */
export const defaultRetries = 3;

export const longestStepMs = 300_000;

/** A finished step is not kept from the server for longer, whatever the code does meanwhile. */
const longestHoldMs = 25;

/** What a step call hands to the machine. */
export type Asked = { id: string; kind: StepKind } & (
  | { execute: () => unknown; send?: StepRecord["send"] }
  | { wait: (key: string) => Wait }
);

export type Ask = (asked: Asked) => Promise<unknown>;

type Executed = Extract<Asked, { execute: unknown }>;

type Ended = Extract<DriveResult, { state: "completed" | "failed" }>;

// Of a step that will not be answered in this drive. The function's frame is left behind with it.
const never = new Promise<never>(() => {});

export async function drive(
  fn: WorkflowFunction,
  request: DriveRequest,
  options: DriveOptions,
): Promise<DriveResult> {
  return new Drive(fn, request, options).run();
}

class Drive {
  readonly #fn: WorkflowFunction;
  readonly #request: DriveRequest;
  readonly #options: DriveOptions;
  readonly #retries: number;
  readonly #stepTimeoutMs: number;
  readonly #started = performance.now();
  readonly #occurrences = new Map<string, number>();
  readonly #asked = new Set<string>();
  readonly #waits = new Map<string, Wait>();
  /** Steps that an earlier drive knew of, and this one has not come to yet. */
  readonly #replayed: Set<string>;
  /** Steps that failed and are not due. */
  readonly #later: ReadonlySet<string>;
  #records: StepRecord[] = [];
  #running = 0;
  #sending: Promise<void> | undefined;
  #holding: NodeJS.Timeout | undefined;
  #ending: "yielded" | "stopped" | undefined;
  #over = false;
  #announceQuiet: () => void = () => {};

  constructor(fn: WorkflowFunction, request: DriveRequest, options: DriveOptions) {
    this.#fn = fn;
    this.#request = request;
    this.#options = options;
    this.#retries = fn.options.retries ?? defaultRetries;
    this.#stepTimeoutMs = Math.min(options.stepTimeoutMs ?? longestStepMs, longestStepMs);
    this.#replayed = new Set([...Object.keys(request.steps), ...Object.keys(request.attempts)]);
    this.#later = new Set(request.later);
  }

  async run(): Promise<DriveResult> {
    const quiet = new Promise<void>((resolve) => {
      this.#announceQuiet = resolve;
    });
    const stuck = this.#stuck();
    const ended = await Promise.race([this.#call(), quiet, stuck.failure]);
    this.#over = true;
    clearTimeout(stuck.timer);
    clearTimeout(this.#holding);
    while (this.#sending !== undefined) await this.#sending;
    const state = this.#ending === "stopped" ? { state: "stopped" as const } : (ended ?? this.#suspended());
    return { ...state, steps: this.#records, asked: [...this.#asked] };
  }

  async #call(): Promise<Ended> {
    const { event, run } = this.#request;
    const context = {
      event,
      step: createStepTools((asked) => handled(this.#ask(asked)), run.id),
      runId: run.id,
      attempt: run.attempt,
      logger: quietWhile(() => this.#replayed.size > 0, this.#options.logger ?? console),
    };
    const ended = await Promise.resolve(context)
      .then((context) => this.#fn.handler(context as never))
      .then((output) => ({ state: "completed" as const, output: toStored("The function", output) }))
      .catch((thrown: unknown) => this.#failed(thrown));
    // A step that was started and not awaited has a result all the same.
    while (this.#running > 0 && this.#ending === undefined) await turns(1, 5);
    return ended as Ended;
  }

  async #ask(step: Asked): Promise<unknown> {
    const outer = outerStep();
    if (outer !== undefined) {
      throw new NonRetriableError(
        `Step "${step.id}" is called inside of step "${outer}". Steps cannot be nested; call it after the other.`,
      );
    }
    if (this.#over) return never;
    const occurrence = this.#occurrences.get(step.id) ?? 0;
    this.#occurrences.set(step.id, occurrence + 1);
    const key = stepKey(step.id, occurrence);
    this.#asked.add(key);
    this.#replayed.delete(key);
    const memo = this.#request.steps[key];
    if (memo) return answer(step.id, memo);
    if (this.#later.has(key)) return this.#suspend({ key, name: step.id, kind: "later" });
    this.#replayed.clear();
    if ("wait" in step) return this.#suspend(step.wait(key));
    await this.#flush();
    if (this.#ending === undefined && this.#mustYield()) this.#ending = "yielded";
    if (this.#over || this.#ending !== undefined) {
      void this.#watch();
      return never;
    }
    return this.#execute(key, step);
  }

  #suspend(wait: Wait): Promise<never> {
    this.#waits.set(wait.key, wait);
    void this.#watch();
    return never;
  }

  async #execute(key: string, step: Executed): Promise<unknown> {
    const begun = performance.now();
    const attempt = (this.#request.attempts[key] ?? 0) + 1;
    const base = () => ({
      key,
      name: step.id,
      attempt,
      durationMs: Math.round(performance.now() - begun),
    });
    const record = (outcome: Memo) => {
      this.#records.push({ ...base(), kind: step.kind, outcome, ...(step.send && { send: step.send }) });
      this.#hold();
    };
    this.#running++;
    try {
      const work = this.#options.substitute?.(step.id) ?? step.execute;
      const value = toStored(`Step "${step.id}"`, await runStep(step.id, work, this.#stepTimeoutMs));
      record({ ok: value });
      return value;
    } catch (thrown) {
      const error = toErrorBody(thrown);
      if (attempt <= this.#retries && !isNonRetriable(thrown)) {
        const afterMs = retryAfterMs(thrown);
        const retry = { ...base(), kind: "retry" as const, error };
        this.#waits.set(key, { ...retry, ...(afterMs !== undefined && { afterMs }) });
        return never;
      }
      record({ error });
      throw toThrown(step.id, error);
    } finally {
      this.#running--;
      void this.#watch();
    }
  }

  /** Earlier steps are stored before a new one starts. Steps that finished together share one message. */
  async #flush(): Promise<void> {
    while (this.#sending !== undefined) await this.#sending;
    const { checkpoint } = this.#options;
    if (this.#records.length === 0 || !checkpoint || this.#ending !== undefined) return;
    const sent = this.#records;
    this.#records = [];
    this.#sending = checkpoint(sent).then((answer) => {
      this.#sending = undefined;
      if (answer === "lost") this.#ending = "stopped";
      if (answer === "unsent") {
        this.#ending = "yielded";
        this.#records = [...sent, ...this.#records];
      }
      void this.#watch();
    });
    await this.#sending;
  }

  /** What runs beside a finished step, or after it, may take long: its result is not kept waiting for that. */
  #hold(): void {
    this.#holding ??= setTimeout(() => {
      this.#holding = undefined;
      if (!this.#over) void this.#flush();
    }, longestHoldMs);
  }

  #mustYield(): boolean {
    if (this.#options.isAbandoned?.()) return true;
    if (!this.#options.checkpoint && this.#records.length > 0) return true;
    return performance.now() - this.#started > this.#request.budgetMs;
  }

  /** The drive ends once nothing runs, something is waited for, and the code asks for nothing more. */
  async #watch(): Promise<void> {
    // Whoever adds one of these looks, too.
    if (this.#waits.size === 0 && !this.#ending) return;
    let before: number;
    do {
      before = this.#asked.size;
      await turns(3);
    } while (this.#asked.size !== before);
    const idle = this.#running === 0 && this.#sending === undefined;
    if (idle && (this.#waits.size > 0 || this.#ending)) this.#announceQuiet();
  }

  /** The server would wait in vain for code that awaits something outside of steps and never gets it. */
  #stuck() {
    const longestMs = this.#request.budgetMs + this.#stepTimeoutMs;
    let timer: NodeJS.Timeout | undefined;
    const failure = new Promise<Ended>((resolve) => {
      timer = setTimeout(() => {
        const message = `The function did not come to an end or to its next step within ${longestMs / 1000} seconds. Is something awaited outside of a step?`;
        resolve(this.#failed(new Error(message)));
      }, longestMs);
    });
    return { timer, failure };
  }

  #suspended() {
    const waits = [...this.#waits.values()];
    if (this.#ending === undefined) return { state: "waiting" as const, waits };
    return { state: this.#ending, retries: waits.filter(({ kind }) => kind === "retry") as Retry[] };
  }

  #failed(thrown: unknown): Ended {
    const afterMs = retryAfterMs(thrown);
    // A step that has failed for good has had its attempts: the function is not tried again because of it.
    const isStepsOwn = thrown instanceof Error && thrown.name === "StepError";
    const retryable = this.#request.run.attempt <= this.#retries && !isNonRetriable(thrown) && !isStepsOwn;
    return {
      state: "failed",
      error: toErrorBody(thrown),
      retryable,
      ...(afterMs !== undefined && { afterMs }),
    } as Ended;
  }
}

function answer(id: string, memo: Memo): unknown {
  if ("error" in memo) throw toThrown(id, memo.error);
  return memo.ok;
}

/** A step that nobody awaits and that fails must not end the process as an unhandled rejection. */
function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

/** Lets promise callbacks and other branches of the function go on first. */
async function turns(count: number, ms = 0): Promise<void> {
  for (let turn = 0; turn < count; turn++) {
    await new Promise<void>((resolve) => (ms > 0 ? setTimeout(resolve, ms) : setImmediate(resolve)));
  }
}
