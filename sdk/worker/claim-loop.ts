// Fetches jobs as long as there is room for them. Between claims that find nothing it waits: on the server, or on
// the broker when there is a connection to it.

import { isRotorError, type RotorError } from "@rotorsh/contract";
import { backoffMs } from "../retry.ts";
import type { WorkerApi } from "./api.ts";
import type { ClaimedJob } from "./job.ts";
import { openWaitingRoom, type Place, type WaitingRoom } from "./waiting-room.ts";

export type ClaimLoopOptions = {
  api: WorkerApi;
  leaseSeconds: number;
  connection: string | undefined;
  /** Resolves with the number of jobs there is room for, which is at least 1. */
  room(): Promise<number>;
  take(job: ClaimedJob, claimedAt: number): void;
  /** Told once, when the server has answered, or has refused for a reason that stays. */
  started(problem?: RotorError): void;
  warn(problem: string, error?: unknown): void;
  closing: AbortSignal;
};

const mostAtOnce = 100;
const pollSeconds = 20;
/** The broker may forget: the ledger is asked now and then all the same. */
const askEveryMs = 30_000;
/** How long the server is polled before the broker is tried again. */
const brokerPauseMs = 5000;

export async function runClaimLoop(options: ClaimLoopOptions): Promise<void> {
  const { closing, warn } = options;
  const waiting = createWaiting(options);
  let failures = 0;
  let isFirst = true;
  while (!closing.aborted) {
    const want = Math.min(await options.room(), mostAtOnce);
    if (closing.aborted) break;
    try {
      const found = await claim(options, want, isFirst ? 0 : waiting.pollSeconds(), waiting);
      if (isFirst) options.started();
      isFirst = false;
      failures = 0;
      if (!found) await waiting.wait();
    } catch (error) {
      if (closing.aborted) break;
      if (isFirst && isRefusal(error)) options.started(error);
      if (failures === 0) warn("jobs cannot be fetched; trying on", error);
      await pause(backoffMs(failures++, 0.5 + Math.random() / 2), closing);
    }
  }
  await waiting.close();
}

type Waiting = ReturnType<typeof createWaiting>;

/** True when there were jobs. */
async function claim(options: ClaimLoopOptions, want: number, waitSeconds: number, waiting: Waiting) {
  const { api, leaseSeconds, closing } = options;
  const lease = crypto.randomUUID();
  const claimedAt = performance.now();
  const asked = { want, lease, lease_seconds: leaseSeconds, wait_seconds: waitSeconds };
  try {
    const { jobs, broker } = await api.claim(
      { ...asked, waits_on_broker: options.connection !== undefined },
      { signal: closing },
    );
    waiting.place = broker ?? undefined;
    if (closing.aborted) throw closing.reason;
    // The lease began when the server answered at the latest; a long wait does not shorten it.
    const leasedAt = waitSeconds > 0 ? performance.now() - answerMs : claimedAt;
    for (const job of jobs) options.take(job, Math.max(claimedAt, leasedAt));
    return jobs.length > 0;
  } catch (error) {
    // Nobody knows whether the server had jobs for this claim: they need not wait for their lease to run out.
    if (!isRefusal(error)) {
      const signal = AbortSignal.timeout(handBackMs);
      await api.handBack({ leases: [lease] }, { signal }).catch(() => {});
    }
    throw error;
  }
}

const handBackMs = 5000;

/** An answer that took longer on its way than this is not believed to be fresh. */
const answerMs = 2000;

function createWaiting({ connection, closing, warn }: ClaimLoopOptions) {
  let room: WaitingRoom | undefined;
  let pausedUntil = 0;
  let isTroubled = false;
  const waiting = {
    /** Where the server announces work, once it said so. */
    place: undefined as Place | undefined,
    pollSeconds() {
      if (connection === undefined) return pollSeconds;
      return performance.now() < pausedUntil ? brokerPauseMs / 1000 : 0;
    },
    /** Resolves when it is time to ask again. */
    async wait(): Promise<void> {
      if (connection === undefined || !waiting.place || performance.now() < pausedUntil) return;
      try {
        room ??= await openWaitingRoom(connection, waiting.place, warn);
        const until = performance.now() + askEveryMs;
        while (!closing.aborted && performance.now() < until) if (await room.wait(closing)) break;
        isTroubled = false;
      } catch (error) {
        if (!isTroubled && !closing.aborted)
          warn("cannot wait on the broker; polling the API instead", error);
        isTroubled = true;
        pausedUntil = performance.now() + brokerPauseMs;
      }
    },
    async close(): Promise<void> {
      await room?.close().catch(() => {});
    },
  };
  return waiting;
}

/** The server has answered, and repeating the question does not change the answer by itself. */
function isRefusal(error: unknown): error is RotorError {
  return isRotorError(error) && !error.retryable && error.status < 500;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const stop = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
      resolve();
    };
    const timer = setTimeout(stop, ms);
    signal.addEventListener("abort", stop);
  });
}
