// What happens because time passes: delayed jobs come due, leases run out, and queues that somebody forgot to
// wake are found. Any number of processes may do this at once.

import { setTimeout as sleep } from "node:timers/promises";
import { endAttempt } from "../core/job.ts";
import { fingerprintOf } from "../core/response.ts";
import type { Services } from "../handler.ts";
import { rejectOverdue } from "../store/approvals.ts";
import {
  type ExpiredLease,
  endJobs,
  findExpiredLeases,
  findReadyQueues,
  promoteDue,
} from "../store/job-work.ts";
import { foldFlow } from "../store/queue-numbers.ts";
import type { Loop } from "./housekeeping.ts";
import { advanceReplays } from "./replays.ts";
import { fireSchedules } from "./scheduler.ts";

const dueEveryMs = 100;
const leasesEveryMs = 1000;
const readyEveryMs = 2000;
const foldEveryMs = 1000;
const replayEveryMs = 500;
const approvalsEveryMs = 1000;
const schedulesEveryMs = 50;
const mostFiringMs = 5000;
const batch = 1000;
/** Long enough for every worker to notice that the database is back, and to tell what it could not. */
const patienceMs = 5000;

const stalled = {
  kind: "failed",
  reason: "stalled",
  message: "The worker of this attempt was not heard of again.",
} as const;

export function startTimers(services: Services): Loop {
  const { sql } = services.databases;
  const { fireAll, isFiring } = createFiring(services);
  const loops = [
    every(services, dueEveryMs, async () => {
      for (;;) {
        const { moved, queues } = await promoteDue(sql, batch);
        services.wake(queues);
        if (moved < batch) return;
      }
    }),
    every(services, leasesEveryMs, createLeaseCheck(services)),
    every(services, readyEveryMs, async () => {
      if (!isFiring()) services.wake(await findReadyQueues(sql));
    }),
    every(services, foldEveryMs, () => foldFlow(sql)),
    every(services, replayEveryMs, () => advanceReplays(services)),
    every(services, approvalsEveryMs, () => endOverdue(services)),
    every(services, schedulesEveryMs, fireAll),
  ];
  return {
    async stop() {
      await Promise.all(loops.map((loop) => loop.stop()));
    },
  };
}

/**
 * While many schedules are fired their jobs are not looked for: the first deliveries would make the last ticks late.
 * Where firing does not come to an end, they are.
 */
function createFiring(services: Services) {
  let since = Number.NEGATIVE_INFINITY;
  return {
    isFiring: () => performance.now() - since < mostFiringMs,
    async fireAll() {
      since = performance.now();
      await fireSchedules(services).finally(() => {
        since = Number.NEGATIVE_INFINITY;
      });
    },
  };
}

/**
 * Ends what is under way for longer than its lease. Workers could neither end nor renew anything while the database
 * was away: when it is back they go first, so that what they did is not done again.
 */
function createLeaseCheck(services: Services): () => Promise<void> {
  let patientUntil = 0;
  return async () => {
    const expired = await findExpiredLeases(services.databases.sql, batch).catch((error: unknown) => {
      patientUntil = performance.now() + patienceMs;
      throw error;
    });
    if (performance.now() < patientUntil) return;
    for (const lease of expired) services.wake(await endStalled(services, lease));
    services.wake(new Set(expired.map(({ queueUid }) => queueUid)));
  };
}

/** An attempt nobody ended is spent: a job that kills its workers must come to an end too. */
async function endStalled({ databases }: Services, expired: ExpiredLease): Promise<number[]> {
  const end = endAttempt(expired, stalled, Math.random());
  const { woken } = await endJobs(databases.sql, expired.queueUid, [
    {
      ...end,
      id: expired.id,
      lease: expired.lease,
      fingerprint: fingerprintOf(stalled.reason, stalled.message),
      durationMs: expired.durationMs,
      status: null,
      response: null,
      error: stalled.message,
    },
  ]);
  return woken;
}

async function endOverdue({ databases }: Services): Promise<void> {
  while ((await databases.acrossWorkspaces((db) => rejectOverdue(db, batch))) === batch);
}

function every({ log }: Services, ms: number, work: () => Promise<void>): Loop {
  const stopping = new AbortController();
  const done = (async () => {
    while (!stopping.signal.aborted) {
      try {
        await work();
      } catch (error) {
        log.warn({ err: error }, "a timer's round failed; the next one tries again");
      }
      await sleep(ms, undefined, { signal: stopping.signal }).catch(() => {});
    }
  })();
  return {
    async stop() {
      stopping.abort();
      await done;
    },
  };
}
