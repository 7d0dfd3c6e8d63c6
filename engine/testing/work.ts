// Works off a queue's jobs as a worker would, without a network: tests say how each attempt ends.

import { randomUUID } from "node:crypto";
import type postgres from "postgres";
import { type ClaimedJob, endJobs, type JobEnd, workQueue } from "../store/job-work.ts";

export async function queueUid(sql: postgres.Sql, workspaceId: string, name: string): Promise<number> {
  const [row] = await sql`select uid from queue where workspace_id = ${workspaceId} and name = ${name}`;
  return Number(row?.uid);
}

export type Claimed = ClaimedJob & { lease: string };

export async function claim(
  sql: postgres.Sql,
  uid: number,
  want = 1000,
  leaseMs = 60_000,
): Promise<Claimed[]> {
  const lease = randomUUID();
  const { claimed } = await workQueue(sql, { queueUid: uid, want, lease, leaseMs }, []);
  return claimed.map((job) => ({ ...job, lease }));
}

export type Ending = Partial<JobEnd> & Pick<JobEnd, "state">;

export const success: Ending = { state: "completed", result: "{}", status: 200 };

export const failure = (reason = "http_503", failReason = "The handler answered 503."): Ending => ({
  state: "failed",
  reason,
  failReason,
  fingerprint: `${reason}|${failReason.toLowerCase()}`,
  error: failReason,
});

/** The ids that were accepted. */
export async function end(
  sql: postgres.Sql,
  uid: number,
  jobs: readonly Claimed[],
  howOf: (job: Claimed) => Ending,
): Promise<string[]> {
  const none = { dueMs: null, result: null, reason: null, failReason: null, fingerprint: null };
  const blank = { ...none, durationMs: 10, status: null, response: null, error: null };
  const ends = jobs.map((job) => ({ ...blank, ...howOf(job), id: job.id, lease: job.lease }));
  return (await endJobs(sql, uid, ends)).accepted;
}

/** Claims and ends everything that is ready, as far as the queue's concurrency reaches in each round. */
export async function workOff(
  sql: postgres.Sql,
  uid: number,
  howOf: (job: Claimed) => Ending,
): Promise<number> {
  let done = 0;
  for (;;) {
    const jobs = await claim(sql, uid);
    if (jobs.length === 0) return done;
    await end(sql, uid, jobs, howOf);
    done += jobs.length;
  }
}
