// Why a job is where it is, from facts. The sentences are fixed: nothing that a payload or a handler said is in them.

import type { Contract, JobState, OutputOf } from "@rotorsh/contract";
import { rejectedReason } from "./job.ts";

type Explained = OutputOf<Contract["jobs"]["explain"]>;
export type Cause = Explained["causes"][number];
export type Step = Omit<Explained["next"][number], "tool">;

export type Facts = {
  now: Date;
  job: {
    id: string;
    state: JobState;
    attemptsMade: number;
    maxAttempts: number;
    dueAt: Date | null;
    leaseUntil: Date | null;
    reason: string | null;
    failReason: string | null;
    /** True while it is held back for guardrails to look at. */
    screening: boolean;
    replayedAs: string | null;
  };
  /** The approval it waits for, or that was last decided about it. */
  approval: { id: string; dueAt: Date | null; overdue: boolean } | null;
  queue: {
    name: string;
    paused: boolean;
    pull: boolean;
    concurrency: number;
    active: number;
    fourEyes: boolean;
  };
  /** When the rate limit lets the next job start; null when it does not hold anything back. */
  rateOpensAt: Date | null;
  /** The active job that has this one's concurrency key. */
  holder: { id: string; queue: string } | null;
  /** Jobs that come first, counted up to `mostAhead`. */
  ahead: number;
  suspended: boolean;
};

export const mostAhead = 1000;

type Finding = { cause: Cause; steps: Step[] };

export function explainJob(facts: Facts): { summary: string; causes: Cause[]; next: Step[] } {
  const findings = byState[facts.job.state](facts);
  const causes = findings.map(({ cause }) => cause);
  return {
    summary: [`The job is ${facts.job.state.replace("_", " ")}.`, ...causes.map(({ text }) => text)].join(
      " ",
    ),
    causes,
    next: findings.flatMap(({ steps }) => steps).slice(0, 3),
  };
}

function finding(code: Cause["code"], text: string, more: Partial<Cause> = {}, steps: Step[] = []): Finding {
  return { cause: { code, text, until: null, job_id: null, job_queue: null, ...more }, steps };
}

const byState: Record<JobState, (facts: Facts) => Finding[]> = {
  waiting: (facts) => {
    const found = [...held(facts), ...blocked(facts)];
    return found.length > 0 ? found : [finding("READY", "Nothing is in its way: it starts at any moment.")];
  },
  delayed: (facts) => [delay(facts), ...held(facts)],
  active: ({ job, now }) => {
    const until = job.leaseUntil?.toISOString() ?? null;
    if (job.leaseUntil && job.leaseUntil < now) {
      return [
        finding(
          "LEASE_EXPIRED",
          "Its worker was not heard of in time; the attempt is about to be counted as failed.",
        ),
      ];
    }
    return [finding("RUNNING", `Attempt ${job.attemptsMade} of ${job.maxAttempts} is under way.`, { until })];
  },
  pending_approval: (facts) => [gate(facts)],
  "guardrail.blocked": ({ queue, job }) => [
    finding("GUARDRAIL_BLOCKED", job.failReason ?? "A guardrail stopped it.", {}, [
      step("jobs.release", { name: queue.name, id: job.id }, "If it was stopped by mistake; an admin may."),
      step("jobs.cancel", { name: queue.name, id: job.id }, "If it should never be sent."),
    ]),
  ],
  completed: () => [finding("COMPLETED", "The handler took it.")],
  cancelled: () => [finding("CANCELLED", "It was cancelled before it started.")],
  failed: (facts) => failure(facts),
};

/** By role, not by name: who they are is for those to see who may list members. */
const mayApprove = "Anybody may whose role is admin or approver, or who has the capability approver";

function gate({ queue, job, approval }: Facts): Finding {
  const but = queue.fourEyes ? ", but not whoever enqueued it" : "";
  const text = `A person has to approve it first. ${mayApprove}${but}.`;
  const steps = [
    ...(approval
      ? [
          step("approvals.get", { id: approval.id }, "Shows what there is to decide about."),
          step("approvals.approve", { id: approval.id }, "When a person has looked at it and agrees."),
        ]
      : []),
    step("jobs.cancel", { name: queue.name, id: job.id }, "If it should not be approved any more."),
  ];
  return finding("PENDING_APPROVAL", text, { until: approval?.dueAt?.toISOString() ?? null }, steps);
}

function rejection({ queue, approval }: Facts): Finding {
  const text = approval?.overdue
    ? "Nobody decided about it in time, so it was rejected. That is final."
    : "A person rejected it. That is final.";
  const look = approval
    ? [step("approvals.get", { id: approval.id }, "Shows who rejected it, and why.")]
    : [];
  return finding("REJECTED", text, {}, [
    ...look,
    step("jobs.enqueue", { name: queue.name }, "Makes a new job, with a corrected payload."),
  ]);
}

/** What stops every job of the queue. */
function held({ suspended, queue, job }: Facts): Finding[] {
  const found: Finding[] = [];
  if (job.screening) {
    found.push(
      finding("GUARDRAIL_SCREENING", "Guardrails are looking at it; it goes on when they are done."),
    );
  }
  if (suspended) {
    found.push(
      finding(
        "WORKSPACE_SUSPENDED",
        "The workspace is suspended; only the operator of the server can lift that.",
      ),
    );
  }
  if (queue.paused) {
    const resume = step(
      "queues.setState",
      { name: queue.name, state: "active" },
      "Lets the queue start jobs.",
    );
    found.push(finding("QUEUE_PAUSED", "The queue is paused.", {}, [resume]));
  }
  return found;
}

/** What stops this job now, and may be over in a moment. */
function blocked({ queue, holder, rateOpensAt, ahead }: Facts): Finding[] {
  const found: Finding[] = [];
  if (holder) {
    const look = step("jobs.explain", { name: holder.queue, id: holder.id }, "Tells how that job fares.");
    const of = { job_id: holder.id, job_queue: holder.queue };
    found.push(finding("KEY_HELD", "Another job with its concurrency key is active.", of, [look]));
  }
  if (queue.pull && queue.active === 0) {
    found.push(
      finding(
        "NO_WORKER",
        "The queue has no callback_url, so a worker must fetch its jobs; none has one now.",
      ),
    );
  }
  if (queue.active >= queue.concurrency) {
    const concurrency = Math.min(1000, queue.concurrency * 2);
    found.push(
      finding(
        "CONCURRENCY_FULL",
        `All slots are taken: ${queue.active} of ${queue.concurrency} are active.`,
        {},
        [
          step(
            "queues.upsert",
            { name: queue.name, concurrency },
            "More at once, if the handler can take it.",
          ),
        ],
      ),
    );
  }
  if (rateOpensAt) {
    const until = rateOpensAt.toISOString();
    found.push(finding("RATE_LIMITED", "The queue's rate limit is reached for this period.", { until }));
  }
  if (ahead > 0) {
    const many = ahead >= mostAhead ? `${mostAhead} or more` : ahead;
    const look = step("queues.stats", { name: queue.name }, "Shows how fast the queue goes.");
    found.push(
      finding("JOBS_AHEAD", `${many} ${ahead === 1 ? "job comes" : "jobs come"} first.`, {}, [look]),
    );
  }
  return found;
}

function delay({ job }: Facts): Finding {
  const until = job.dueAt?.toISOString() ?? null;
  if (job.attemptsMade === 0) return finding("DELAYED", "It was enqueued for later.", { until });
  const text = `Attempt ${job.attemptsMade} of ${job.maxAttempts} failed${why(job.reason)}; the next one is due later.`;
  return finding("RETRY_DELAYED", text, { until });
}

function failure(facts: Facts): Finding[] {
  const { job, queue } = facts;
  if (job.reason === rejectedReason) return [rejection(facts)];
  const at = { name: queue.name, id: job.id };
  if (job.replayedAs) {
    const look = step(
      "jobs.explain",
      { name: queue.name, id: job.replayedAs },
      "Tells how the replay fares.",
    );
    return [
      finding("REPLAYED", "It failed and was replayed as another job.", { job_id: job.replayedAs }, [look]),
    ];
  }
  const steps = [step("jobs.retry", at, "Tries again under the same id, once the cause is gone.")];
  if (mayBeTheHandler.test(job.reason ?? "")) {
    steps.unshift(step("queues.check", { name: queue.name }, "Finds out what is wrong with the handler."));
  }
  steps.push(step("dlq.groups", { name: queue.name }, "Shows whether others failed in the same way."));
  if (job.attemptsMade < job.maxAttempts) {
    const text = `Attempt ${job.attemptsMade} of ${job.maxAttempts} failed for good${why(job.reason)}.`;
    return [finding("FINAL_FAILURE", text, {}, steps)];
  }
  const tries = job.maxAttempts === 1 ? "Its only attempt" : `All ${job.maxAttempts} attempts`;
  return [finding("ATTEMPTS_USED_UP", `${tries} failed${why(job.reason)}.`, {}, steps)];
}

/** Reasons that speak of the way to the handler rather than of the job. */
const mayBeTheHandler = /^(timeout|refused|connection|tls|protocol|http_(3\d\d|401|403|404|405))$/;

/** Only a code of ours is quoted. */
function why(reason: string | null): string {
  return reason && /^[a-z0-9_]{1,40}$/.test(reason) ? ` (${reason})` : "";
}

function step(operation: string, args: Record<string, unknown>, reason: string): Step {
  return { operation, arguments: args, why: reason };
}
