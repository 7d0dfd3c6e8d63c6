// Ends that pull workers report. Reports that arrive together become one statement per queue.

import type postgres from "postgres";
import { type AttemptOutcome, endAttempt } from "../core/job.ts";
import { fingerprintOf, resultLimitBytes } from "../core/response.ts";
import type { Services } from "../handler.ts";
import { createBatcher } from "../store/batch.ts";
import { endJobs, type JobEnd } from "../store/job-work.ts";
import { type Held, type HeldAttempt, readHeld } from "../store/pull.ts";

export type PullEnd = Held & {
  outcome: "completed" | "failed";
  result?: unknown;
  reason: string;
  message?: string | undefined;
  final: boolean;
  retry_after_seconds?: number | undefined;
};

/** The ids that were accepted; the others are somebody else's by now. */
export type PullEnds = (queueUid: number, ends: readonly PullEnd[]) => Promise<string[]>;

type Report = { queueUid: number; ends: readonly PullEnd[] };

export function createPullEnds({ databases: { sql }, wake }: Pick<Services, "databases" | "wake">): PullEnds {
  const endTogether = createBatcher<Report, ReadonlySet<string> | Error>(
    async (reports) => {
      const byQueue = new Map<number, PullEnd[]>();
      for (const { queueUid, ends } of reports) {
        byQueue.set(queueUid, [...(byQueue.get(queueUid) ?? []), ...ends]);
      }
      // What one queue's statement fails on is told to its own workers only.
      const accepted = new Map<number, ReadonlySet<string> | Error>();
      for (const [uid, ends] of byQueue) {
        accepted.set(uid, await endInQueue(sql, uid, ends, wake).catch((error: Error) => error));
      }
      return reports.map(({ queueUid }) => accepted.get(queueUid) ?? new Set());
    },
    { lanes: 2, most: 50 },
  );
  return async (queueUid, ends) => {
    const accepted = await endTogether({ queueUid, ends });
    if (accepted instanceof Error) throw accepted;
    return ends.filter((end) => accepted.has(keyOf(end))).map(({ id }) => id);
  };
}

const keyOf = ({ id, lease }: Held) => `${lease} ${id}`;

async function endInQueue(
  sql: postgres.Sql,
  uid: number,
  ends: readonly PullEnd[],
  wake: Services["wake"],
): Promise<Set<string>> {
  const held = new Map((await readHeld(sql, uid, ends)).map((one) => [keyOf(one), one]));
  const sent = new Map(ends.map((end) => [keyOf(end), end]));
  const known = [...held].flatMap(([key, one]) => toJobEnd(one, sent.get(key)) ?? []);
  if (known.length === 0) return new Set();
  const { accepted, woken } = await endJobs(sql, uid, known);
  // Other queues' jobs may have waited for the keys of these.
  wake(woken);
  const ids = new Set(accepted);
  return new Set(known.filter(({ id }) => ids.has(id)).map(keyOf));
}

function toJobEnd(held: HeldAttempt, sent: PullEnd | undefined): JobEnd | undefined {
  if (!sent) return undefined;
  const outcome = outcomeOf(sent);
  const failed = outcome.kind === "failed";
  return {
    ...endAttempt(held, outcome, Math.random()),
    id: held.id,
    lease: held.lease,
    fingerprint: failed ? fingerprintOf(outcome.reason, outcome.message) : null,
    durationMs: held.durationMs,
    status: null,
    response: null,
    error: failed ? outcome.message : null,
  };
}

function outcomeOf(end: PullEnd): AttemptOutcome {
  if (end.outcome === "completed") return { kind: "succeeded", result: resultOf(end.result) };
  return {
    kind: "failed",
    reason: end.reason,
    message: storable(end.message ?? "The worker gave no reason."),
    final: end.final,
    retryAfterMs: end.retry_after_seconds === undefined ? undefined : end.retry_after_seconds * 1000,
  };
}

/** As with callbacks: a result that is too large is not kept, and the job is completed all the same. */
function resultOf(result: unknown): string | null {
  if (result === undefined || result === null) return null;
  const text = JSON.stringify(result);
  return Buffer.byteLength(text) > resultLimitBytes ? null : text;
}

/** Postgres holds neither NUL nor halves of characters. */
function storable(text: string): string {
  return text.replaceAll(/[\0\p{Cs}]/gu, "\ufffd");
}
