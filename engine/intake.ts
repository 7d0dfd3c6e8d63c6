// The way in for jobs. Requests that arrive together become one statement; a request whose workspace has a quota,
// or which must be refused as a whole, gets a transaction of its own.

import { type Plan, RotorError } from "@rotorsh/contract";
import { monthOf } from "./core/period.ts";
import { createBatcher } from "./store/batch.ts";
import {
  type Access,
  commonAccess,
  type Databases,
  isDeadlock,
  isUnavailable,
  type Statements,
} from "./store/database.ts";
import { insertJobs, type NewJob, type Intake as Taken } from "./store/job-intake.ts";
import { readExecutions } from "./store/usage.ts";

export type Submission = {
  jobs: readonly NewJob[];
  /** Executions the workspace may have this month; null for no quota. */
  quota: number | null;
  plan: Plan;
  /** What is to be checked of the caller; see Caller.known. */
  access: Access;
  /** Throws when all of them must be refused for what became of some. */
  check?: ((taken: readonly Taken[]) => void) | undefined;
};

/** One answer per job, in order. */
export type Intake = (submission: Submission) => Promise<Taken[]>;

/** Statements under way at once; more only makes the batches smaller. */
const lanes = 2;
const mostRequests = 500;
/** A statement costs as much as several jobs: few of them wait for the one under way, and share the next. */
const worthALane = 32 * 1024;
/** Characters of payload, and a little for each job beside: a statement is built in memory, here and in Postgres. */
const heaviestStatement = 8 * 1024 * 1024;
const jobWeight = 500;
/** Of a statement that lost to another one. */
const mostTries = 5;

type Request = Pick<Submission, "jobs" | "access">;
type Wake = (queueUids: Iterable<number>) => void;

export function createIntake(databases: Pick<Databases, "sql" | "transaction">, wake: Wake): Intake {
  const takeTogether = createBatcher<Request, Taken[] | Error>(
    (requests) => takeMany(databases.sql, requests, wake),
    { lanes, most: mostRequests, weight: weightOf, heaviest: heaviestStatement, worthALane },
  );
  return async (submission) => {
    if (submission.quota !== null || submission.check) return takeAlone(databases, submission, wake);
    const taken = await takeTogether(submission);
    if (taken instanceof Error) throw taken;
    return taken;
  };
}

function weightOf({ jobs }: Request): number {
  return jobs.reduce((sum, { payload }) => sum + payload.length + jobWeight, 0);
}

async function takeMany(
  sql: Statements,
  requests: readonly Request[],
  wake: Wake,
  tries = mostTries,
): Promise<(Taken[] | Error)[]> {
  try {
    const access = commonAccess(requests.map(({ access }) => access));
    const all = requests.flatMap(({ jobs }) => jobs);
    const { intakes, woken } = await insertJobs(sql, all, access);
    wake(woken);
    let from = 0;
    return requests.map(({ jobs }) => {
      const own = intakes.slice(from, from + jobs.length);
      from += jobs.length;
      return own;
    });
  } catch (error) {
    // Two requests with the same ids in another order: nothing was stored, and the other one is through by now.
    if (isDeadlock(error) && tries > 1) return takeMany(sql, requests, wake, tries - 1);
    // One request that the database refuses must not fail its neighbours.
    if (requests.length === 1 || isUnavailable(error)) return requests.map(() => error as Error);
    const alone: (Taken[] | Error)[] = [];
    for (const request of requests) alone.push(...(await takeMany(sql, [request], wake)));
    return alone;
  }
}

async function takeAlone(
  databases: Pick<Databases, "transaction">,
  { jobs, quota, plan, access, check }: Submission,
  wake: Wake,
): Promise<Taken[]> {
  const { intakes, woken } = await databases.transaction(async (tx) => {
    const made = await insertJobs(tx, jobs, access);
    check?.(made.intakes);
    if (quota !== null) await checkQuota(tx, jobs[0]?.workspaceId ?? "", quota, plan);
    return made;
  });
  wake(woken);
  return intakes;
}

/** The statement before this one counted the new jobs and holds the counter's lock: nobody else can pass the limit. */
async function checkQuota(sql: Statements, workspaceId: string, limit: number, plan: Plan): Promise<void> {
  const { executions, now } = await readExecutions(sql, workspaceId);
  if (executions <= limit) return;
  const resetAt = monthOf(now).to.toISOString();
  throw new RotorError("QUOTA_EXCEEDED", { limit, used: limit, plan, resetAt });
}
