// Delivers the jobs of one queue, as long as there are any. One statement at a time ends what has finished and
// claims as much again: while it is under way more jobs finish, so the busier the queue, the larger the batches.

import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { endAttempt } from "../core/job.ts";
import { fingerprintOf, outcomeOf } from "../core/response.ts";
import { deliver } from "../drivers/callback.ts";
import type { Services } from "../handler.ts";
import type { Outbound } from "../outbound/http-client.ts";
import { type ClaimedJob, type JobEnd, workQueue } from "../store/job-work.ts";
import { type QueueConfig, readQueueConfig } from "../store/queue-config.ts";

/** How much longer than its request a job's lease lasts: time to write down how it went. */
const graceMs = 10_000;
const largestClaim = 200;
const configMs = 1000;
const pauseAfterFailureMs = 250;
const longestRestMs = 2000;

export type Slots = { free: number };

type Active = { config: QueueConfig; secrets: string[]; readAt: number };

export type QueueRunner = { wake(): void; idle(): Promise<void>; stop(): void };

export function createQueueRunner(
  uid: number,
  services: Services,
  outbound: Outbound,
  slots: Slots,
): QueueRunner {
  let active: Active | undefined;
  let mayHaveWork = false;
  let wakes = 0;
  let inFlight = 0;
  let stopping = false;
  let ends: JobEnd[] = [];
  let running: Promise<void> | undefined;
  let nextPeriod: NodeJS.Timeout | undefined;

  function kick(): void {
    if (running !== undefined) return;
    running = run()
      .catch((error: unknown) => {
        services.log.error({ err: error, queueUid: uid }, "a queue's loop failed");
      })
      .finally(() => {
        running = undefined;
        // Something may have arrived between the last look and this line.
        if (ends.length > 0 || (mayHaveWork && !stopping && room() > 0)) kick();
      });
  }

  const room = () => Math.min(slots.free, (active?.config.concurrency ?? 1) - inFlight, largestClaim);

  async function run(): Promise<void> {
    for (;;) {
      if (mayHaveWork && !stopping && !(await refresh())) continue;
      const want = mayHaveWork && !stopping && active?.config.callbackUrl ? Math.max(0, room()) : 0;
      if (ends.length === 0 && want === 0) return;
      const sent = ends;
      ends = [];
      // Taken before the statement, so that many queues together keep within this process's slots.
      slots.free -= want;
      await exchange(sent, want);
    }
  }

  /** Nothing more to claim: until somebody wakes us, or the queue's rate allows the next jobs. */
  function rest(): void {
    mayHaveWork = false;
    const periodMs = active?.config.ratePeriodMs;
    clearTimeout(nextPeriod);
    if (periodMs) nextPeriod = setTimeout(wake, Math.min(periodMs, longestRestMs)).unref();
  }

  function wake(): void {
    wakes++;
    mayHaveWork = true;
    kick();
  }

  async function exchange(sent: JobEnd[], want: number): Promise<void> {
    const lease = randomUUID();
    const leaseMs = (active?.config.timeoutMs ?? 0) + graceMs;
    const wakesBefore = wakes;
    try {
      const { claimed, accepted, woken } = await workQueue(
        services.databases.sql,
        { queueUid: uid, want, lease, leaseMs },
        sent,
      );
      slots.free += want - claimed.length;
      if (accepted < sent.length)
        services.log.warn({ queueUid: uid, refused: sent.length - accepted }, "late ends refused");
      // A job that was added while the statement was under way is not in it; its wake is not forgotten.
      if (woken) services.wake(woken);
      else if (claimed.length < want && wakes === wakesBefore) rest();
      for (const job of claimed) start(job, lease);
    } catch (error) {
      services.log.warn({ err: error, queueUid: uid }, "claiming failed; trying again");
      slots.free += want;
      ends = [...sent, ...ends];
      await sleep(pauseAfterFailureMs);
    }
  }

  /** False when the queue could not be read; then it is tried again. */
  async function refresh(): Promise<boolean> {
    if (active && performance.now() - active.readAt < configMs) return true;
    try {
      await readActive();
      return true;
    } catch (error) {
      services.log.warn({ err: error, queueUid: uid }, "a queue could not be read; trying again");
      await sleep(pauseAfterFailureMs);
      return false;
    }
  }

  async function readActive(): Promise<void> {
    const config = await readQueueConfig(services.databases.sql, uid);
    const open = (sealed: string) =>
      services.vault.open(config?.owner ?? null, `queue|${config?.name}`, sealed);
    active = config && { config, secrets: config.secrets.map(open), readAt: performance.now() };
    if (!active?.config.callbackUrl) mayHaveWork = false;
  }

  function start(job: ClaimedJob, lease: string): void {
    inFlight++;
    void attempt(job, lease, active as Active).then((end) => {
      inFlight--;
      slots.free++;
      ends.push(end);
      kick();
    });
  }

  async function attempt(job: ClaimedJob, lease: string, { config, secrets }: Active): Promise<JobEnd> {
    const { delivered, durationMs } = await deliver(outbound, {
      url: config.callbackUrl as string,
      headers: config.callbackHeaders,
      secrets,
      timeoutMs: config.timeoutMs,
      queue: config.name,
      job,
    });
    const { attempt, maxAttempts, backoff } = job;
    const outcome = outcomeOf(delivered);
    const end = endAttempt(
      { attempt, maxAttempts, backoff: backoff ?? config.backoff },
      outcome,
      Math.random(),
    );
    const failed = outcome.kind === "failed";
    return {
      ...end,
      id: job.id,
      lease,
      fingerprint: failed ? fingerprintOf(outcome.reason, outcome.message) : null,
      durationMs,
      status: delivered.kind === "response" ? delivered.status : null,
      response: delivered.kind === "response" ? delivered.body : null,
      error: failed ? outcome.message : null,
    };
  }

  return {
    wake,
    async idle() {
      while (running || inFlight > 0 || ends.length > 0) await (running ?? sleep(5));
    },
    stop() {
      stopping = true;
      clearTimeout(nextPeriod);
    },
  };
}
