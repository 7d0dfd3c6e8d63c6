// A worker of a pull queue: fetches jobs, runs them, and says how they went, all through the API.

import { RotorError } from "@rotorsh/contract";
import { defaultUrl, readEnvironment } from "../config.ts";
import { createWorkerApi } from "./api.ts";
import { runClaimLoop } from "./claim-loop.ts";
import { createHeldJobs, type Held, type HeldJobs } from "./held-jobs.ts";
import { type ClaimedJob, toWorkerJob, type WorkerJob } from "./job.ts";
import { completed, failed } from "./outcome.ts";
import { drainOnSignal, forget } from "./signals.ts";

export type RotorWorkerOptions<Payload> = {
  /** Required with a team key. */
  workspaceId?: string | undefined;
  queueName: string;
  /** URL of the server's Redis or Postgres: the worker waits there, instead of asking the API again and again. */
  connection?: string | undefined;
  /** Jobs at once in this worker; default 1. The queue's own concurrency holds over all workers. */
  concurrency?: number | undefined;
  /** How long `close` waits for jobs under way, in milliseconds; default 30,000. */
  drainTimeout?: number | undefined;
  /** Returns the result, or throws: `NonRetriableError` ends the job, `RetryAfterError` says when to try again. */
  processor: (job: WorkerJob<Payload>, signal: AbortSignal) => unknown;
  /** Default ROTOR_API_KEY. */
  apiKey?: string | undefined;
  /** Default ROTOR_API_URL. */
  url?: string | undefined;
  /** How soon a job goes to another worker when this one dies; default 30. Renewed while the processor runs. */
  leaseSeconds?: number | undefined;
  /** Told of trouble that the worker gets over by itself; default console.warn. */
  onWarning?: ((problem: string, error?: unknown) => void) | undefined;
};

/** What a processor is given to stop, and what the server is given to hear of it. */
const graceMs = 1000;
const tellWithinMs = 10_000;

// biome-ignore lint/suspicious/noExplicitAny: a payload is whatever was enqueued, unless the caller says what.
export class RotorWorker<Payload = any> {
  readonly #options: RotorWorkerOptions<Payload>;
  readonly #jobs: HeldJobs;
  readonly #closing = new AbortController();
  readonly #started: Promise<void>;
  readonly #running: Promise<void>;
  #slotFreed = () => {};
  #jobGone = () => {};
  #closed: Promise<void> | undefined;

  constructor(options: RotorWorkerOptions<Payload>) {
    this.#options = options;
    const { connection, leaseSeconds = 30, queueName } = options;
    const api = createWorkerApi(httpOptions(options), queueName);
    const warn = this.#warn;
    const freed = () => {
      this.#slotFreed();
      this.#jobGone();
    };
    this.#jobs = createHeldJobs({ api, leaseSeconds, freed, warn });
    let running: Promise<void> | undefined;
    this.#started = new Promise((resolve, reject) => {
      running = runClaimLoop({
        api,
        leaseSeconds,
        connection,
        room: () => this.#room(),
        take: (job, claimedAt) => void this.#work(job, claimedAt),
        started: (problem) => (problem ? reject(problem) : resolve()),
        warn,
        closing: this.#closing.signal,
      });
    });
    this.#started.catch(() => {});
    this.#running = running as unknown as Promise<void>;
    drainOnSignal(this);
  }

  /** Resolves when the server has answered the first claim; rejects when it refuses this worker. */
  ready(): Promise<void> {
    return this.#started;
  }

  /** Takes nothing new, waits for the jobs under way, and tells the server how they went. */
  close(): Promise<void> {
    this.#closed ??= this.#drain();
    return this.#closed;
  }

  readonly #warn = (problem: string, error?: unknown): void => {
    const { queueName, onWarning = console.warn } = this.#options;
    const args = error === undefined ? [] : [error];
    onWarning(`RotorWorker ${queueName}: ${problem}`, ...args);
  };

  async #room(): Promise<number> {
    const { concurrency = 1 } = this.#options;
    while (this.#jobs.size >= concurrency && !this.#closing.signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#slotFreed = resolve;
      });
    }
    return Math.max(1, concurrency - this.#jobs.size);
  }

  async #work(claimed: ClaimedJob, claimedAt: number): Promise<void> {
    const held = this.#jobs.add(claimed, claimedAt);
    const { signal } = held.abort;
    try {
      const job = toWorkerJob<Payload>(this.#options.queueName, claimed, signal);
      this.#jobs.end(held, completed(await this.#options.processor(job, signal), this.#warn));
    } catch (error) {
      this.#jobs.end(held, failed(error, Date.now()));
    }
  }

  async #drain(): Promise<void> {
    const { drainTimeout = 30_000 } = this.#options;
    this.#closing.abort(new Error("This worker is closing"));
    this.#slotFreed();
    await this.#running;
    if (!(await this.#idleWithin(drainTimeout))) await this.#cutOff();
    this.#jobs.stop();
    forget(this);
  }

  /** What is not done in time is told to stop; what does not is a failed attempt, so that it is tried elsewhere. */
  async #cutOff(): Promise<void> {
    const unfinished = (): Held[] => this.#jobs.all().filter(({ outcome }) => !outcome);
    const reason = new Error("The worker was stopped before the job was done");
    for (const { abort } of unfinished()) abort.abort(reason);
    if (await this.#idleWithin(graceMs)) return;
    for (const held of unfinished()) this.#jobs.end(held, failed(reason, Date.now()));
    if (!(await this.#idleWithin(tellWithinMs))) this.#warn("the server was not told how the last jobs went");
  }

  /** True when no job is left. */
  async #idleWithin(ms: number): Promise<boolean> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms);
    });
    const until = performance.now() + ms;
    while (this.#jobs.size > 0 && performance.now() < until) {
      const gone = new Promise<void>((resolve) => {
        this.#jobGone = resolve;
      });
      await Promise.race([gone, late]);
    }
    clearTimeout(timer);
    return this.#jobs.size === 0;
  }
}

function httpOptions({ apiKey, url, workspaceId }: RotorWorkerOptions<never>) {
  const environment = readEnvironment();
  const key = apiKey ?? environment.apiKey;
  if (!key) {
    throw new RotorError(
      "UNAUTHENTICATED",
      {},
      { hint: "Pass `apiKey` to RotorWorker, or set ROTOR_API_KEY." },
    );
  }
  return { apiKey: key, url: url ?? environment.url ?? defaultUrl, workspaceId };
}
