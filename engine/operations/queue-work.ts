// Operations on all of a queue's jobs.

import { type Contract, RotorError } from "@rotorsh/contract";
import { checkConfirmation, previewOf } from "../confirm.ts";
import { percentile, ratesOf } from "../core/queue-numbers.ts";
import { type Context, direct, type Handler, workspaceOf } from "../handler.ts";
import { must } from "../must.ts";
import * as failed from "../store/failed-jobs.ts";
import * as bulk from "../store/job-bulk.ts";
import { findQueueRef, type QueueRef } from "../store/jobs.ts";
import { decodeCursor, encodeCursor } from "../store/page.ts";
import { type QueueCounts, readCounts } from "../store/queue-numbers.ts";
import { createBudget } from "./budget.ts";

type Queues = Contract["queues"];

/** Jobs per statement. */
const batch = 1000;
/** Rows a preview looks at: beyond, its numbers say "at least". */
const mostPreviewed = 20_000;

export async function findQueue(name: string, context: Context): Promise<QueueRef> {
  const queue = await findQueueRef(context.db, workspaceOf(context).id, name);
  if (!queue) throw new RotorError("QUEUE_NOT_FOUND", { name });
  return queue;
}

export async function countsOf({ uid, workspaceId }: QueueRef, { db }: Context): Promise<QueueCounts> {
  return must((await readCounts(db, workspaceId, [uid])).get(uid), "the counts");
}

export const stats: Handler<Queues["stats"]> = direct(async ({ name }, context) => {
  const numbers = await context.services.readQueueNumbers({ workspaceId: workspaceOf(context).id, name });
  if (!numbers) throw new RotorError("QUEUE_NOT_FOUND", { name });
  const { minutes, buckets, secondsIntoMinute } = numbers.pace;
  const rates = (window: number) => ratesOf(minutes, window, secondsIntoMinute);
  return {
    ...numbers.counts,
    throughput: { last_1_minute: rates(1), last_5_minutes: rates(5), last_60_minutes: rates(60) },
    duration_ms: {
      p50: percentile(buckets, 0.5),
      p95: percentile(buckets, 0.95),
      p99: percentile(buckets, 0.99),
    },
  };
});

export const drain: Handler<Queues["drain"]> = async (input, context) => {
  const queue = await findQueue(input.name, context);
  const states = input.include_delayed ? (["waiting", "delayed"] as const) : (["waiting"] as const);
  const left = async () => {
    const counts = await countsOf(queue, context);
    return { counts, total: states.reduce((sum, state) => sum + counts[state], 0) };
  };
  const before = await left();
  if (input.dry_run) {
    const counts = Object.fromEntries(states.map((state) => [state, before.counts[state]]));
    const sample = await bulk.sampleJobs(context.db, queue, states);
    const preview = previewOf("queues.drain", input, { counts, sample }, before.total, context);
    return { drained: 0, remaining: before.total, ...preview };
  }
  checkConfirmation("queues.drain", input, before.total, context);
  const budget = createBudget();
  let drained = 0;
  for (const state of states) {
    for (let removed = batch; removed > 0 && !budget.isSpent; drained += removed) {
      removed = await bulk.drainJobs(context.db, queue, state, batch);
      budget.spend(removed);
    }
  }
  if (drained > 0) {
    context.record({ resource: input.name, after: { drained, include_delayed: input.include_delayed } });
  }
  return { drained, remaining: Math.max(0, (await left()).total) };
};

export const retryAll: Handler<Queues["retryAll"]> = async (input, context) => {
  const queue = await findQueue(input.name, context);
  const after = decodeCursor(input.cursor, ["number"])?.[0];
  const preview = await previewFailed("queues.retryAll", input, queue, after, context);
  if (preview) return { retried: 0, remaining: 0, ...preview };
  const pass = await walkFailed(queue, input, after, context, (ids) =>
    bulk.reopenJobs(context.db, queue, ids),
  );
  if (pass.done > 0) {
    context.record({ resource: input.name, after: { retried: pass.done, ...filterOf(input) } });
    context.afterCommit(() => context.services.wake([queue.uid]));
  }
  return { retried: pass.done, remaining: pass.remaining, nextCursor: pass.nextCursor };
};

type Bulk = { dry_run: boolean; confirm_token?: string | undefined } & failed.FailedFilter;

/** What a call would do, if that is asked; refuses the call if it is not what was agreed to. */
export async function previewFailed(
  operation: string,
  input: Bulk,
  queue: QueueRef,
  after: number | undefined,
  context: Context,
) {
  if (!input.dry_run && input.confirm_token === undefined) return undefined;
  const seen = await failed.countFailed(context.db, queue, input, { most: mostPreviewed, after });
  if (!input.dry_run) {
    checkConfirmation(operation, input, seen.matching, context);
    return undefined;
  }
  const counts = {
    matching: seen.matching,
    looked_at: seen.lookedAt,
    failed: (await countsOf(queue, context)).failed,
  };
  return previewOf(operation, input, { counts, sample: seen.sample }, seen.matching, context);
}

export function filterOf({ tag, reason, fingerprint, from, to }: failed.FailedFilter): failed.FailedFilter {
  const filter = { tag, reason, fingerprint, from, to };
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined));
}

export type Pass = { done: number; remaining: number; nextCursor: string | null };

/** Does something to each failed job that fits, oldest first, as far as one call may go. */
export async function walkFailed(
  queue: QueueRef,
  filter: failed.FailedFilter,
  from: number | undefined,
  { db }: Context,
  work: (ids: string[]) => Promise<number>,
): Promise<Pass> {
  const budget = createBudget();
  let after = from;
  let done = 0;
  for (;;) {
    const rows = await failed.walkFailed(db, queue, filter, { most: batch, after });
    done += await work(rows.filter((row) => row.fits).map(({ id }) => id));
    const last = rows.at(-1);
    if (!last || rows.length < batch) return { done, remaining: 0, nextCursor: null };
    after = Number(last.seq);
    budget.spend(rows.length);
    if (budget.isSpent) {
      return {
        done,
        remaining: await failed.countBehind(db, queue, after),
        nextCursor: encodeCursor([after]),
      };
    }
  }
}
