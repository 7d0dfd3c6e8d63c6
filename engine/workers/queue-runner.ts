// Delivers the jobs of one queue, as long as there are any. One statement at a time ends what has finished and
// claims as much again: while it is under way more jobs finish, so the busier the queue, the larger the batches.
// A busy queue has two halves: one is with the database while the other one is with the handler.

import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { bytesOf, type Held, type Slots, shareOf } from "../core/slots.ts";
import type { Services } from "../handler.ts";
import type { Outbound } from "../outbound/http-client.ts";
import { type ClaimedJob, type JobEnd, largestClaimBytes, workQueue } from "../store/job-work.ts";
import { handBack } from "../store/pull.ts";
import type { QueueConfig } from "../store/queue-config.ts";
import { type Active, attempt, readActive } from "./attempt.ts";

/** How much longer than its request a job's lease lasts: time to write down how it went. */
const graceMs = 10_000;
/** A request ends so long before its lease, so that two workers never send the same job at once. */
const marginMs = 1000;
const largestClaim = 200;
const configMs = 1000;
const pauseAfterFailureMs = 250;
const longestRestMs = 2000;
/** How long an end waits for others at most. */
const gatherMs = 1;
/** Of responses, in one statement: each end carries up to 128 KB of them. */
const mostEndChars = 4 * 1024 * 1024;

export type QueueRunner = {
  wake(): void;
  /** True when nobody has woken it for so long, and nothing is under way. */
  isForgotten(ms: number): boolean;
  idle(): Promise<void>;
  stop(): void;
};

export function createQueueRunner(
  uid: number,
  services: Services,
  outbound: Outbound,
  slots: Slots,
): QueueRunner {
  let active: Active | undefined;
  let mayHaveWork = false;
  let wakes = 0;
  const held: Held = { jobs: 0, bytes: 0 };
  let stopping = false;
  let ends: JobEnd[] = [];
  let running: Promise<void> | undefined;
  let nextPeriod: NodeJS.Timeout | undefined;
  let gathered: (() => void) | undefined;
  /** Since the last rest: only then may its rate be what keeps the next ones back. */
  let hasStarted = false;
  let wokenAt = 0;
  /** Of claims whose answer was lost: what they claimed, if they did, nobody works on. */
  let lostLeases: string[] = [];

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

  const room = () =>
    Math.min(shareOf(slots, held), (active?.config.concurrency ?? 1) - held.jobs, largestClaim);

  const isBusy = () => running !== undefined || held.jobs > 0 || ends.length > 0;

  async function run(): Promise<void> {
    for (;;) {
      if (isFewEnds()) await gather();
      const isKnown = !mayHaveWork || stopping || (await refresh());
      if (isKnown && !active?.config.callbackUrl) announce(active?.config);
      const mayClaim = isKnown && mayHaveWork && !stopping && active?.config.callbackUrl;
      const want = mayClaim ? Math.max(0, room()) : 0;
      if (ends.length === 0 && want === 0) {
        if (isKnown) return;
        continue;
      }
      await exchange(takeEnds(), want);
    }
  }

  /** Most of what was claimed is still under way, and there is no other slot to fill. */
  const isFewEnds = () =>
    ends.length > 0 && ends.length < held.jobs && !(mayHaveWork && room() > ends.length) && !stopping;

  /** Until half of it has ended, or something new may have come. */
  async function gather(): Promise<void> {
    await new Promise<void>((resolve) => {
      gathered = resolve;
      setTimeout(resolve, gatherMs);
    });
  }

  /** Nothing more to claim: until somebody wakes us, or the queue's rate allows the next jobs. */
  function rest(): void {
    mayHaveWork = false;
    const periodMs = active?.config.ratePeriodMs;
    if (!periodMs || !hasStarted) return;
    hasStarted = false;
    clearTimeout(nextPeriod);
    nextPeriod = setTimeout(wake, Math.min(periodMs, longestRestMs)).unref();
  }

  function wake(): void {
    wakes++;
    wokenAt = performance.now();
    mayHaveWork = true;
    gathered?.();
    kick();
  }

  /** As many of the ends as one statement should carry. */
  function takeEnds(): JobEnd[] {
    let chars = 0;
    const most = ends.findIndex(({ result, response }, index) => {
      chars += (result?.length ?? 0) + (response?.length ?? 0);
      return index > 0 && chars > mostEndChars;
    });
    return ends.splice(0, most < 0 ? ends.length : most);
  }

  async function exchange(sent: JobEnd[], want: number): Promise<void> {
    const lease = randomUUID();
    // Taken before the statement, so that many queues together keep within what this process has.
    const mostBytes = want > 0 ? Math.min(bytesOf(slots.freeBytes, held), largestClaimBytes) : 0;
    slots.free -= want;
    slots.freeBytes -= mostBytes;
    const leaseMs = (active?.config.timeoutMs ?? 0) + graceMs;
    const wakesBefore = wakes;
    // The lease began later than this, by however long the statement took.
    const until = performance.now() + leaseMs - marginMs;
    try {
      await giveBackLost();
      const { claimed, accepted, woken, more } = await workQueue(
        services.databases.sql,
        { queueUid: uid, want, mostBytes, lease, leaseMs },
        sent,
      );
      if (accepted < sent.length)
        services.log.warn({ queueUid: uid, refused: sent.length - accepted }, "late ends refused");
      // A job that was added while the statement was under way is not in it; its wake is not forgotten.
      if (woken) services.wake(woken);
      else if (claimed.length < want && !more && wakes === wakesBefore) rest();
      const free = await checked(claimed, lease);
      if (free.length > 0) startSoon(free, lease, until);
      hasStarted ||= claimed.length > 0;
    } catch (error) {
      services.log.warn({ err: error, queueUid: uid }, "claiming failed; trying again");
      if (want > 0) lostLeases.push(lease);
      ends = [...sent, ...ends];
      await sleep(pauseAfterFailureMs);
    } finally {
      slots.free += want;
      slots.freeBytes += mostBytes;
    }
  }

  /** Where guardrails or approvals are on: without those that may not be sent by now. */
  async function checked(jobs: ClaimedJob[], lease: string): Promise<ClaimedJob[]> {
    const config = active?.config;
    if (!config?.isGuarded || jobs.length === 0) return jobs;
    const { workspaceId } = config;
    const free = await services.guardrails.recheck({ queueUid: uid, workspaceId, lease, jobs });
    services.wake(free.woken);
    return free.jobs;
  }

  async function giveBackLost(): Promise<void> {
    if (lostLeases.length === 0) return;
    const { woken } = await handBack(services.databases.sql, uid, lostLeases);
    lostLeases = [];
    services.wake(woken);
  }

  /** False when the queue could not be read; then it is tried again. */
  async function refresh(): Promise<boolean> {
    if (active && performance.now() - active.readAt < configMs) return true;
    try {
      active = await readActive(services, uid);
      return true;
    } catch (error) {
      services.log.warn({ err: error, queueUid: uid }, "a queue could not be read; trying again");
      await sleep(pauseAfterFailureMs);
      return false;
    }
  }

  /** A pull queue's jobs are fetched by its own workers; all there is to do is to wake one that waits. */
  function announce(config: QueueConfig | undefined): void {
    if (mayHaveWork && config?.isAwaited) {
      services.broker.announce(services.broker.waitingRoomOf(config.workspaceId, config.name));
    }
    mayHaveWork = false;
  }

  function take(jobs: number, bytes: number): void {
    held.jobs += jobs;
    held.bytes += bytes;
    slots.free -= jobs;
    slots.freeBytes -= bytes;
  }

  /** When the next statement is on its way: then database and handler are busy at the same time. */
  function startSoon(jobs: ClaimedJob[], lease: string, until: number): void {
    const started = active as Active;
    for (const job of jobs) take(1, job.payload.length);
    setImmediate(() => {
      for (const job of jobs) start(started, { job, lease, until });
    });
  }

  function start(started: Active, claimed: { job: ClaimedJob; lease: string; until: number }): void {
    void attempt(outbound, started, claimed, services.log).then((end) => {
      take(-1, -claimed.job.payload.length);
      ends.push(end);
      if (ends.length >= held.jobs) gathered?.();
      kick();
    });
  }

  return {
    wake,
    isForgotten: (ms) => !isBusy() && !mayHaveWork && performance.now() - wokenAt > ms,
    async idle() {
      while (isBusy()) await (running ?? sleep(5));
    },
    stop() {
      stopping = true;
      clearTimeout(nextPeriod);
    },
  };
}
