// Claims of pull workers, and the waiting for jobs that are not there yet. Whoever waits is served in the order of
// coming, one claim at a time per queue: when the first finds nothing, the others need not look.

import type { Guardrails } from "../guardrails/index.ts";
import type { Services } from "../handler.ts";
import {
  claimByName,
  findReady,
  handBack,
  type PullClaim,
  type PullClaimed,
  type QueueName,
} from "../store/pull.ts";

export type ClaimRequest = {
  queue: QueueName;
  claim: PullClaim;
  waitMs: number;
  /** Aborted when the caller has gone away: what is claimed for it then is given back. */
  signal: AbortSignal | undefined;
};

export type PullClaims = {
  /** Undefined when there is no such queue. */
  claim(request: ClaimRequest): Promise<PullClaimed | undefined>;
  /** Says that these queues may have work for those that wait in this process. */
  ready(queueUids: Iterable<number>): void;
  /** Answers everyone who waits with nothing, and lets nobody wait any more. */
  close(): void;
};

/** How soon work is found that another process took in, or that a timer or a free slot made ready. */
const lookEveryMs = 100;

type Waiter = {
  request: ClaimRequest;
  answer(claimed: PullClaimed | undefined | Promise<never>): void;
  /** True while a claim for it is under way. */
  isServed: boolean;
  /** True when it should be answered with nothing, as soon as no claim is under way. */
  isOver: boolean;
};

type Line = { waiters: Set<Waiter>; busy: boolean; again: boolean };

const nothing: PullClaimed = { uid: 0, isPull: true, isGuarded: false, jobs: [], more: false };
/** Of one claim, in a queue where many jobs wait for keys. */
const mostLooks = 100;

export function createPullClaims({
  databases: { sql },
  wake,
  log,
  recheck,
}: Pick<Services, "databases" | "wake" | "log"> & Pick<Guardrails, "recheck">): PullClaims {
  const lines = new Map<number, Line>();
  let looking: NodeJS.Timeout | undefined;
  let closed = false;

  async function tryOnce({ queue, claim, signal }: ClaimRequest): Promise<PullClaimed | undefined> {
    let claimed = await claimFree(queue, claim);
    for (let looks = 1; claimed?.more && claimed.jobs.length === 0 && looks < mostLooks; looks++) {
      claimed = await claimFree(queue, claim);
    }
    if (!claimed || claimed.jobs.length === 0 || !signal?.aborted) return claimed;
    const { woken } = await handBack(sql, claimed.uid, [claim.lease]);
    wake([claimed.uid, ...woken]);
    return { ...claimed, jobs: [] };
  }

  /** Where guardrails or approvals are on: without those that may not be sent by now. */
  async function claimFree(queue: QueueName, claim: PullClaim): Promise<PullClaimed | undefined> {
    const claimed = await claimByName(sql, queue, claim);
    if (!claimed?.isGuarded || claimed.jobs.length === 0) return claimed;
    const { uid: queueUid, jobs } = claimed;
    try {
      const free = await recheck({ queueUid, workspaceId: queue.workspaceId, lease: claim.lease, jobs });
      wake(free.woken);
      return { ...claimed, jobs: free.jobs, more: claimed.more || free.jobs.length === 0 };
    } catch (error) {
      await handBack(sql, queueUid, [claim.lease]);
      throw error;
    }
  }

  function wait(uid: number, request: ClaimRequest): Promise<PullClaimed | undefined> {
    const line = lines.get(uid) ?? { waiters: new Set(), busy: false, again: false };
    lines.set(uid, line);
    looking ??= setTimeout(look, lookEveryMs);
    return new Promise((resolve) => {
      const stop = () => giveUp(waiter);
      const timer = setTimeout(stop, request.waitMs);
      request.signal?.addEventListener("abort", stop);
      const waiter: Waiter = {
        request,
        isServed: false,
        isOver: false,
        answer(claimed) {
          clearTimeout(timer);
          request.signal?.removeEventListener("abort", stop);
          line.waiters.delete(waiter);
          if (line.waiters.size === 0 && !line.busy) lines.delete(uid);
          resolve(claimed);
        },
      };
      line.waiters.add(waiter);
    });
  }

  function giveUp(waiter: Waiter): void {
    waiter.isOver = true;
    if (!waiter.isServed) waiter.answer(nothing);
  }

  async function serve(uid: number, line: Line): Promise<void> {
    line.again = true;
    if (line.busy) return;
    line.busy = true;
    while (line.again) {
      line.again = false;
      for (const waiter of line.waiters) if (!(await serveOne(waiter))) break;
    }
    line.busy = false;
    if (line.waiters.size === 0) lines.delete(uid);
  }

  /** True when there may be more for the next. */
  async function serveOne(waiter: Waiter): Promise<boolean> {
    waiter.isServed = true;
    try {
      const claimed = await tryOnce(waiter.request);
      const found = !claimed?.isPull || claimed.jobs.length > 0;
      if (found || waiter.isOver) waiter.answer(claimed);
      return found;
    } catch (error) {
      waiter.answer(Promise.reject(error));
      return false;
    } finally {
      waiter.isServed = false;
    }
  }

  async function look(): Promise<void> {
    try {
      ready(await findReady(sql, [...lines.keys()]));
    } catch (error) {
      log.debug({ err: error }, "looking for pull work failed; the next round tries again");
    }
    looking = lines.size > 0 && !closed ? setTimeout(look, lookEveryMs) : undefined;
  }

  function ready(queueUids: Iterable<number>): void {
    for (const uid of queueUids) {
      const line = lines.get(uid);
      if (line) void serve(uid, line);
    }
  }

  return {
    async claim(request) {
      const claimed = await tryOnce(request);
      const { waitMs, signal } = request;
      const isWorthIt = claimed?.isPull && claimed.jobs.length === 0;
      if (!isWorthIt || waitMs <= 0 || closed || signal?.aborted) return claimed;
      return wait(claimed.uid, request);
    },
    ready,
    close() {
      closed = true;
      clearTimeout(looking);
      for (const { waiters } of lines.values()) for (const waiter of waiters) giveUp(waiter);
    },
  };
}
