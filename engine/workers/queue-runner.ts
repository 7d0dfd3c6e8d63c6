// Delivers the jobs of one queue, as long as there are any. One statement at a time ends what has finished and
// claims as much again: while it is under way more jobs finish, so the busier the queue, the larger the batches.

import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { endAttempt } from "../core/job.ts";
import { type Delivered, fingerprintOf, outcomeOf } from "../core/response.ts";
import { deliver } from "../drivers/callback.ts";
import type { Services } from "../handler.ts";
import type { Outbound } from "../outbound/http-client.ts";
import { type ClaimedJob, type JobEnd, workQueue } from "../store/job-work.ts";
import { type QueueConfig, readQueueConfig } from "../store/queue-config.ts";
import { openHeaders, secretPurpose } from "../store/queues.ts";

/** How much longer than its request a job's lease lasts: time to write down how it went. */
const graceMs = 10_000;
const largestClaim = 200;
const configMs = 1000;
const pauseAfterFailureMs = 250;
const longestRestMs = 2000;

export type Slots = { free: number };

type Opened = { secrets: string[]; headers: Record<string, string> };
type Active = Opened & { config: QueueConfig; readAt: number };

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
      if (!active?.config.callbackUrl) announce(active?.config);
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
      const { claimed, accepted, woken, more } = await workQueue(
        services.databases.sql,
        { queueUid: uid, want, lease, leaseMs },
        sent,
      );
      slots.free += want - claimed.length;
      if (accepted < sent.length)
        services.log.warn({ queueUid: uid, refused: sent.length - accepted }, "late ends refused");
      // A job that was added while the statement was under way is not in it; its wake is not forgotten.
      if (woken) services.wake(woken);
      else if (claimed.length < want && !more && wakes === wakesBefore) rest();
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
    active = config && { config, ...openSecrets(config, services.vault), readAt: performance.now() };
  }

  /** A pull queue's jobs are fetched by its own workers; all there is to do is to wake one that waits. */
  function announce(config: QueueConfig | undefined): void {
    if (mayHaveWork && config?.isAwaited) {
      services.broker.announce(services.broker.waitingRoomOf(config.workspaceId, config.name));
    }
    mayHaveWork = false;
  }

  function start(job: ClaimedJob, lease: string): void {
    inFlight++;
    const started = active as Active;
    void attempt(job, lease, started)
      .catch((error: unknown) => {
        // Our own bug, but a process that ended for it would take every other delivery with it.
        services.log.error({ err: error, queueUid: uid, jobId: job.id }, "an attempt broke off");
        return endOf(job, lease, started, { kind: "connection", message: "Rotor could not send it." }, 0);
      })
      .then((end) => {
        inFlight--;
        slots.free++;
        ends.push(end);
        kick();
      });
  }

  async function attempt(job: ClaimedJob, lease: string, started: Active): Promise<JobEnd> {
    const { config, secrets, headers } = started;
    const { delivered, durationMs } = await deliver(outbound, {
      url: config.callbackUrl as string,
      headers,
      secrets,
      timeoutMs: config.timeoutMs,
      queue: config.name,
      job,
    });
    return endOf(job, lease, started, delivered, durationMs);
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

function endOf(
  { id, attempt, maxAttempts, backoff }: ClaimedJob,
  lease: string,
  { config }: Active,
  delivered: Delivered,
  durationMs: number,
): JobEnd {
  const outcome = outcomeOf(delivered);
  const attempts = { attempt, maxAttempts, backoff: backoff ?? config.backoff };
  const failed = outcome.kind === "failed";
  return {
    ...endAttempt(attempts, outcome, Math.random()),
    id,
    lease,
    fingerprint: failed ? fingerprintOf(outcome.reason, outcome.message) : null,
    durationMs,
    status: delivered.kind === "response" ? delivered.status : null,
    response: delivered.kind === "response" ? delivered.body : null,
    error: failed ? outcome.message : null,
  };
}

function openSecrets(config: QueueConfig, vault: Services["vault"]): Opened {
  const open = (sealed: string) => vault.open(config.owner, secretPurpose(config.name), sealed);
  return { secrets: config.secrets.map(open), headers: openHeaders(vault, config.owner, config) };
}
