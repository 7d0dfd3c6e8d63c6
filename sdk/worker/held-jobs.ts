// The jobs a worker holds: their leases are renewed until the server knows how they went, and ends are told
// together. Times are measured on a clock that nobody sets.

import { isRotorError } from "@rotorsh/contract";
import type { WorkerApi } from "./api.ts";
import type { ClaimedJob } from "./job.ts";
import type { Outcome } from "./outcome.ts";

export type Held = { job: ClaimedJob; abort: AbortController; until: number; outcome?: Outcome };

export type HeldJobs = {
  readonly size: number;
  add(job: ClaimedJob, claimedAt: number): Held;
  /** Tells the server; a job that is not ours any more is only forgotten. */
  end(held: Held, outcome: Outcome): void;
  all(): Held[];
  stop(): void;
};

export type HeldJobsOptions = {
  api: WorkerApi;
  leaseSeconds: number;
  /** A job is gone from here: a slot is free. */
  freed(): void;
  warn(problem: string, error?: unknown): void;
};

const mostAtOnce = 100;
/** Two results of the largest kind and a hundred of the usual still fit into one request. */
const largestRequest = 4 * 1024 * 1024;
const retryMs = 500;

export function createHeldJobs({ api, leaseSeconds, freed, warn }: HeldJobsOptions): HeldJobs {
  const leaseMs = leaseSeconds * 1000;
  const roundMs = leaseMs / 4;
  const jobs = new Map<string, Held>();
  let isTelling = false;
  const timer = setInterval(() => void renew(), roundMs);

  function forget(held: Held): void {
    if (jobs.get(held.job.id) !== held) return;
    jobs.delete(held.job.id);
    freed();
  }

  function lose(held: Held): void {
    held.abort.abort(new Error("The lease of this job was lost: another worker may have it by now"));
    forget(held);
  }

  async function renew(): Promise<void> {
    const mine = [...jobs.values()];
    if (mine.length === 0) return;
    const askedAt = performance.now();
    try {
      const asked = {
        jobs: mine.map(({ job: { id, lease } }) => ({ id, lease })),
        lease_seconds: leaseSeconds,
      };
      const { lost } = await api.extend(asked, { signal: AbortSignal.timeout(roundMs) });
      const gone = new Set(lost);
      for (const held of mine) {
        if (!gone.has(held.job.id)) held.until = askedAt + leaseMs;
        // What has an outcome may have been lost to that outcome's own arrival.
        else if (!held.outcome) lose(held);
      }
    } catch (error) {
      warn("leases could not be renewed", error);
    }
    // Whoever would be too late in the next round stops now.
    for (const held of mine) if (held.until - performance.now() < roundMs) lose(held);
  }

  async function tell(): Promise<void> {
    for (;;) {
      const batch = nextBatch([...jobs.values()].filter(({ outcome }) => outcome));
      if (batch.length === 0) break;
      const ends = batch.map(({ job: { id, lease }, outcome }) => ({ id, lease, ...(outcome as Outcome) }));
      try {
        const { refused } = await api.end({ ends });
        if (refused.length > 0) warn(`${refused.length} ends came too late and were refused`);
        for (const held of batch) forget(held);
      } catch (error) {
        if (isRotorError(error) && !error.retryable && error.status < 500) {
          warn("ends were refused", error);
          for (const held of batch) forget(held);
        } else {
          await new Promise((resolve) => setTimeout(resolve, retryMs));
        }
      }
    }
    // In the same tick as the look at what is left: an end that comes later must start a new round.
    isTelling = false;
  }

  return {
    get size() {
      return jobs.size;
    },
    add(job, claimedAt) {
      const held = { job, abort: new AbortController(), until: claimedAt + leaseMs };
      jobs.set(job.id, held);
      return held;
    },
    end(held, outcome) {
      if (jobs.get(held.job.id) !== held) return;
      held.outcome = outcome;
      // A microtask later, so that ends of the same tick share the first request too.
      if (isTelling) return;
      isTelling = true;
      queueMicrotask(() => void tell());
    },
    all: () => [...jobs.values()],
    stop: () => clearInterval(timer),
  };
}

function nextBatch(ended: Held[]): Held[] {
  let size = 0;
  const fitting = ended.slice(0, mostAtOnce).findIndex(({ outcome }, index) => {
    size += JSON.stringify(outcome).length;
    return size > largestRequest && index > 0;
  });
  return ended.slice(0, fitting === -1 ? mostAtOnce : fitting);
}
