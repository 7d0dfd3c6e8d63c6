// Plays the server's part for one run: the function is driven by the same code as in an app, and what it waits for
// comes from the test. The clock stands still until the test moves it.

import type { DriveRequest, DriveResult, Memo, StepErrorBody, StepRecord } from "@rotorsh/contract";
import { answerDrive } from "../workflow/answer-drive.ts";
import { drive } from "../workflow/drive.ts";
import { parseDuration } from "../workflow/duration.ts";
import type { Logger, WorkflowFunction } from "../workflow/types.ts";
import { play, playedChild, stored } from "./played.ts";
import { retryAfterMs } from "./retry-pause.ts";
import { describe, dueAtOf, failed, fits, type Held, isForTest, overdue, type Wait } from "./waits.ts";

export type TestOptions = {
  /** What the function gets as `event.data`. */
  data?: unknown;
  /** Instead of a step's own code, by its id: a value, an Error to throw, or a function to call. */
  steps?: Record<string, unknown>;
  /** What `step.invoke` may start; others it gets from `steps`, by the step's id. */
  workflows?: readonly WorkflowFunction[];
  /** The kit's clock at the start; default now. */
  now?: Date;
  logger?: Logger;
};

type SentEvent = { name: string; data: unknown; ts?: number };
type Decision = { approved?: boolean; reason?: string; step?: string };

/** Starts a run; answers when it has ended or waits for something. */
export async function testWorkflow(fn: WorkflowFunction, options: TestOptions = {}): Promise<TestedRun> {
  const run = new TestedRun(fn, options);
  await run.advance("0s");
  return run;
}

const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {} };
let runs = 0;

export class TestedRun {
  readonly id = `run_test_${++runs}`;
  status: "running" | "sleeping" | "waiting" | "completed" | "failed" = "running";
  output: unknown;
  error: StepErrorBody | undefined;
  /** Attempt of the function as a whole, from 1. */
  attempt = 1;
  /** Ended steps, in the order they ended. */
  readonly steps: { id: string; output?: unknown; error?: StepErrorBody }[] = [];
  /** Events that steps sent. */
  readonly sent: SentEvent[] = [];
  /** Runs that it invoked. */
  readonly children: TestedRun[] = [];
  /** What hooks threw. */
  readonly hookErrors: StepErrorBody[] = [];
  readonly #fn: WorkflowFunction;
  readonly #options: TestOptions;
  readonly #memos: Record<string, Memo> = {};
  readonly #attempts: Record<string, number> = {};
  readonly #held = new Map<string, Held>();
  #retryAt: number | undefined;
  #now: number;
  #isDue = true;
  #onEnd: () => void = () => {};

  constructor(fn: WorkflowFunction, options: TestOptions) {
    this.#fn = fn;
    this.#options = options;
    this.#now = (options.now ?? new Date()).getTime();
  }

  /** The kit's clock. */
  get now(): Date {
    return new Date(this.#now);
  }

  /** What the run waits for, in words. */
  get waiting(): string[] {
    return [...this.#held.values()].map(describe);
  }

  /** Moves the clock, such as by `"24h"`, and lets everything happen that is due by then. */
  async advance(duration: string): Promise<this> {
    const until = this.#now + parseDuration(duration);
    for (let next = this.#nextDue(); next !== undefined && next <= until; next = this.#nextDue()) {
      await this.#goTo(next);
    }
    this.#setClock(until);
    return this;
  }

  /** Jumps over every sleep and retry to the run's end; fails when only the test can bring what it waits for. */
  async finish(): Promise<this> {
    while (!this.#hasEnded()) {
      const stuck = this.#tree().flatMap((run) => [...run.#held.values()].filter(isForTest));
      const next = this.#nextDue();
      if (next === undefined || (stuck.length > 0 && next > this.#now)) {
        throw new Error(`The run cannot finish by itself: ${stuck.map(describe).join("; ")}.`);
      }
      await this.#goTo(next);
    }
    return this;
  }

  /** Publishes an event to this run and those it invoked. */
  async send(name: string, data: unknown = {}): Promise<this> {
    const event = { id: `evt_${name}`, name, data: stored(data), ts: this.#now };
    this.#resolve((wait) => (fits(wait, event) ? { ok: event.data } : undefined));
    return this.advance("0s");
  }

  /** Completes a signal; fails when nobody waits for it, as the server does. */
  async signal(id: string, data: unknown): Promise<this> {
    const done = this.#resolve((wait) =>
      wait.kind === "signal" && wait.signal === id ? { ok: stored(data) } : undefined,
    );
    if (done === 0) throw new Error(`Nobody waits for the signal "${id}". ${this.waiting.join("; ")}`);
    return this.advance("0s");
  }

  /** Decides the approval that the run waits for; `step` names one of several. */
  async approve({ approved = true, reason, step }: Decision = {}): Promise<this> {
    const ok = { approved, ...(reason !== undefined && { reason }), decided_by: "test" };
    const done = this.#resolve((wait) =>
      wait.kind === "signal" && wait.approval && (step ?? wait.name) === wait.name ? { ok } : undefined,
    );
    if (done !== 1) throw new Error(`${done} steps wait for this decision. ${this.waiting.join("; ")}`);
    return this.advance("0s");
  }

  #hasEnded(): boolean {
    return this.status === "completed" || this.status === "failed";
  }

  #tree(): TestedRun[] {
    return [this, ...this.children.flatMap((child) => child.#tree())];
  }

  #setClock(now: number): void {
    for (const run of this.#tree()) run.#now = Math.max(now, run.#now);
  }

  #nextDue(): number | undefined {
    const times = this.#tree().flatMap((run) => {
      if (run.#hasEnded()) return [];
      if (run.#isDue) return [run.#now];
      return [
        ...[...run.#held.values()].map(({ dueAt }) => dueAt),
        ...(run.#retryAt === undefined ? [] : [run.#retryAt]),
      ];
    });
    return times.length === 0 ? undefined : Math.max(this.#now, Math.min(...times));
  }

  /** Ends what is over at this time, and drives the runs that are due. */
  async #goTo(now: number): Promise<void> {
    this.#setClock(now);
    for (const run of this.#tree()) {
      if (run.#hasEnded()) continue;
      for (const [key, held] of run.#held)
        if (held.dueAt <= now) run.#end(key, held.wait, overdue(held.wait));
      if (run.#retryAt !== undefined && run.#retryAt <= now) run.#isDue = true;
      if (run.#isDue) await run.#drive();
    }
  }

  #resolve(outcomeOf: (wait: Wait) => Memo | undefined): number {
    let count = 0;
    for (const run of this.#tree()) {
      for (const [key, { wait }] of run.#held) {
        const outcome = outcomeOf(wait);
        if (!outcome) continue;
        run.#end(key, wait, outcome);
        count++;
      }
    }
    return count;
  }

  #end(key: string, wait: Wait, outcome: Memo | undefined): void {
    this.#held.delete(key);
    // A function that failed as a whole is tried again at its time.
    if (this.#retryAt === undefined) this.#isDue = true;
    if (wait.kind === "retry") this.#attempts[key] = wait.attempt;
    if (outcome) this.#keep(key, wait.name, outcome);
  }

  #keep(key: string, id: string, outcome: Memo): void {
    if (this.#memos[key]) return;
    this.#memos[key] = outcome;
    this.steps.push("error" in outcome ? { id, error: outcome.error } : { id, output: outcome.ok });
  }

  async #drive(): Promise<void> {
    this.#isDue = false;
    this.#retryAt = undefined;
    const result = await drive(this.#fn, this.#request(), {
      checkpoint: async (steps) => {
        this.#take(steps);
        return "kept";
      },
      logger: this.#options.logger ?? quiet,
      substitute: (id) => this.#played(id),
    });
    this.#take(result.steps);
    await this.#conclude(result);
  }

  #request(hook?: DriveRequest["hook"]): DriveRequest {
    const { trigger, id } = this.#fn.options;
    const name = "event" in trigger ? trigger.event : id;
    return {
      v: 1,
      run: { id: this.id, workflow: id, attempt: this.attempt },
      event: { id: `evt_${this.id}`, name, data: stored(this.#options.data ?? {}), ts: this.#now },
      steps: { ...this.#memos },
      attempts: { ...this.#attempts },
      later: [...this.#held].flatMap(([key, { wait }]) => (wait.kind === "retry" ? [key] : [])),
      checkpoint: null,
      budgetMs: 60_000,
      ...(hook && { hook }),
    };
  }

  #take(records: readonly StepRecord[]): void {
    for (const { key, name, outcome, send } of records) {
      this.#keep(key, name, outcome);
      if (send) this.sent.push(send);
    }
  }

  async #conclude(result: DriveResult): Promise<void> {
    switch (result.state) {
      case "completed":
        this.output = result.output;
        await this.#finishAs("completed", { name: "onSuccess", result: result.output });
        return;
      case "failed":
        this.error = result.error;
        if (!result.retryable) {
          await this.#finishAs("failed", { name: "onFailure", error: result.error });
          return;
        }
        this.#retryAt = this.#now + (result.afterMs ?? retryAfterMs(this.attempt));
        this.attempt++;
        this.status = "sleeping";
        return;
      case "waiting":
        this.#register(result.waits);
        return;
      case "yielded":
        for (const retry of result.retries ?? []) this.#hold(retry);
        this.#isDue = true;
        return;
      case "stopped":
        this.#isDue = true;
    }
  }

  async #finishAs(status: "completed" | "failed", hook: NonNullable<DriveRequest["hook"]>): Promise<void> {
    this.status = status;
    this.#held.clear();
    this.#onEnd();
    const told = await answerDrive(this.#fn, this.#request(hook));
    if (told.state === "failed") this.hookErrors.push(told.error);
  }

  #register(waits: Extract<DriveResult, { state: "waiting" }>["waits"]): void {
    const asked = new Set(waits.map(({ key }) => key));
    for (const key of this.#held.keys()) if (!asked.has(key)) this.#held.delete(key);
    for (const wait of waits) if (wait.kind !== "later") this.#hold(wait);
    const forTime = waits.every(({ kind }) => ["sleep", "retry", "later"].includes(kind));
    this.status = forTime ? "sleeping" : "waiting";
  }

  #hold(wait: Wait): void {
    if (this.#held.has(wait.key)) return;
    this.#held.set(wait.key, { wait, dueAt: dueAtOf(wait, this.#now) });
    if (wait.kind === "invoke") this.#invoke(wait);
  }

  #invoke(wait: Extract<Wait, { kind: "invoke" }>): void {
    const { steps = {}, workflows = [] } = this.#options;
    const fn = workflows.find(({ id }) => id === wait.workflow);
    if (Object.hasOwn(steps, wait.name) || !fn) {
      const message = `Step "${wait.name}" invokes "${wait.workflow}": pass it in \`workflows\`, or what it comes to in \`steps\`.`;
      const isPlayed = Object.hasOwn(steps, wait.name);
      const outcome = isPlayed ? playedChild(steps[wait.name]) : failed("WorkflowFailedError", message);
      this.#end(wait.key, wait, outcome);
      return;
    }
    const child = new TestedRun(fn, { ...this.#options, data: wait.data, now: this.now });
    this.children.push(child);
    child.#onEnd = () => {
      if (this.#held.has(wait.key)) this.#end(wait.key, wait, outcomeOf(child));
    };
  }

  #played(id: string): (() => unknown) | undefined {
    const { steps = {} } = this.#options;
    if (!Object.hasOwn(steps, id)) return undefined;
    const played = steps[id];
    return () => play(played);
  }
}

function outcomeOf({ status, output, error, id }: TestedRun): Memo {
  if (status === "completed") return { ok: { result: output, runId: id } };
  return failed("WorkflowFailedError", `${error?.name}: ${error?.message}`, { runId: id });
}
