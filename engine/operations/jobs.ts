import { createHash } from "node:crypto";
import {
  type Contract,
  invalidInput,
  type JobState,
  type OutputOf,
  type ParsedInputOf,
  RotorError,
} from "@rotorsh/contract";
import { checkConfirmation, previewOf } from "../confirm.ts";
import { durationMs } from "../core/duration.ts";
import { blockedBy } from "../core/guardrail/verdict.ts";
import { requireNextState } from "../core/job.ts";
import { limitsOf } from "../core/plan.ts";
import { accessOf, type Context, direct, type Handlers, workspaceOf } from "../handler.ts";
import { newId } from "../ids.ts";
import { must } from "../must.ts";
import { findApprovalOf } from "../store/approvals.ts";
import { reopenJobs } from "../store/job-bulk.ts";
import type { Intake, NewJob } from "../store/job-intake.ts";
import * as store from "../store/jobs.ts";
import { releaseJob } from "../store/screening.ts";
import { explain } from "./job-explain.ts";
import { payloadLimitBytes } from "./payload.ts";
import type { PullVerb } from "./pull.ts";
import { findQueue } from "./queue-work.ts";

type Sent = Omit<ParsedInputOf<Contract["jobs"]["enqueue"]>, "name">;
type Enqueued = OutputOf<Contract["jobs"]["enqueue"]>;

/** The intake does, before anything is stored. */
const checksAccess = { checksAccess: true };
/** As many as one generation may have. */
const mostAttempts = 100;

export const jobs: Omit<Handlers<Contract>["jobs"], PullVerb> = {
  enqueue: direct(async ({ name, ...sent }, context) => {
    const [asked] = await screened([toAsked(name, sent, context, 0)], context);
    const [intake] = await takeIn([must(asked)], context);
    // One job that is refused has left nothing behind.
    check(must(asked), must(intake));
    return toEnqueued(must(asked), must(intake));
  }, checksAccess),

  addBatch: direct(async ({ name, jobs: sent, idempotencyKeys }, context) => {
    checkKeys(sent, idempotencyKeys);
    const all = sent.map((one, index) => {
      const own = idempotencyKeys?.[index];
      return toAsked(name, own === undefined ? one : { ...one, jobId: own }, context, index);
    });
    const asked = await screened(all, context);
    const checkAll = (intakes: readonly Intake[]) => {
      for (const [index, one] of asked.entries()) check(one, must(intakes[index]));
    };
    const mayBeRefused = asked.some(({ strict, isKeyed }) => strict || isKeyed);
    const intakes = await takeIn(asked, context, mayBeRefused ? checkAll : undefined);
    checkAll(intakes);
    return { jobs: asked.map((one, index) => toEnqueued(one, must(intakes[index]))) };
  }, checksAccess),

  async list({ name, status, ...input }, context) {
    const queue = await findQueue(name, context);
    if (status && input.state && status !== input.state) {
      throw invalidInput([{ path: "status", problem: "disagrees with state; send one of them" }]);
    }
    return store.listJobs(context.db, queue, { ...input, state: input.state ?? status });
  },

  async get({ name, id }, context) {
    const queue = await findQueue(name, context);
    const job = await store.findJob(context.db, queue, id);
    if (!job) throw new RotorError("JOB_NOT_FOUND", { id });
    const attempts = await store.listAttempts(context.db, queue, id, mostAttempts);
    // A replay passed by the approval of the job it is of.
    const approvalId = job.approval_id ?? (await findApprovalOf(context.db, queue, id))?.id ?? null;
    return store.toJobDetail(queue, { ...job, approval_id: approvalId }, attempts);
  },

  async cancel(input, context) {
    const { queue, job } = await lock(input.name, input.id, context);
    if (job.state === "cancelled") return { deleted: true, state: job.state };
    const state = requireNextState(job, { type: "cancelled" });
    if (input.dry_run) {
      const seen = { counts: { jobs: 1 }, sample: [job.id] };
      return { deleted: false, state: job.state, ...previewOf("jobs.cancel", input, seen, 1, context) };
    }
    checkConfirmation("jobs.cancel", input, 1, context);
    await store.moveJob(context.db, queue, job, { state, endedAt: context.now });
    return { deleted: true, state };
  },

  async retry({ name, id }, context) {
    const { queue, job } = await lock(name, id, context);
    // Somebody retried it already: it is on its way.
    if (job.generation > 1 && underWay.has(job.state)) return store.toJob(queue, job);
    requireNextState(job, { type: "retried" });
    await reopenJobs(context.db, queue, [id]);
    context.afterCommit(() => context.services.wake([queue.uid]));
    return store.toJob(queue, must(await store.findJob(context.db, queue, id)));
  },

  async release({ name, id }, context) {
    const { queue, job } = await lock(name, id, context);
    requireNextState(job, { type: "released" });
    const stage = blockedBy(job.state, job.reason);
    await releaseJob(context.db, queue, job, stage);
    const released = store.toJob(queue, must(await store.findJob(context.db, queue, id)));
    const before = { state: job.state, blockedBy: stage, reason: job.fail_reason };
    context.record({ resource: id, before: { queue: name, ...before }, after: { state: released.state } });
    return released;
  },

  explain,
};

const underWay: ReadonlySet<JobState> = new Set(["waiting", "delayed", "active", "pending_approval"]);

async function lock(name: string, id: string, context: Context) {
  const queue = await findQueue(name, context);
  const job = await store.lockJob(context.db, queue, id);
  if (!job) throw new RotorError("JOB_NOT_FOUND", { id });
  return { queue, job };
}

type Asked = {
  job: NewJob;
  /** The payload as it came. */
  sent: string;
  /** It must not be there already, but by this very request, whose answer was lost. */
  strict: boolean;
  requestKey: string | undefined;
  /** Its id follows from the request's Idempotency-Key. */
  isKeyed: boolean;
};

function toAsked(queueName: string, sent: Sent, context: Context, index: number): Asked {
  const own = sent.jobId ?? sent.idempotencyKey;
  if (sent.jobId && sent.idempotencyKey && sent.jobId !== sent.idempotencyKey) {
    throw invalidInput([{ path: "idempotencyKey", problem: "disagrees with jobId; send one of them" }]);
  }
  const payload = JSON.stringify(sent.payload === undefined ? {} : sent.payload);
  if (payload.length > payloadLimitBytes || Buffer.byteLength(payload) > payloadLimitBytes) {
    throw new RotorError("PAYLOAD_TOO_LARGE", { limit: "512 KB" });
  }
  const keyed = own === undefined ? keyedId(context, queueName, index) : undefined;
  const job = {
    workspaceId: workspaceOf(context).id,
    queueName,
    id: own ?? keyed ?? newId("job"),
    payload,
    delayMs: sent.delay === undefined ? 0 : durationMs(sent.delay),
    priority: sent.priority,
    tags: [...new Set(sent.tags)],
    concurrencyKey: sent.concurrencyKey ?? null,
    attempts: sent.attempts ?? null,
    backoff: sent.backoff ? JSON.stringify(sent.backoff) : null,
    provenance: JSON.stringify({
      ...provenanceOf(context),
      ...(sent.strict && { request_key: requestKeyOf(context) }),
    }),
    guard: null,
  };
  return {
    job,
    sent: payload,
    strict: sent.strict,
    requestKey: requestKeyOf(context),
    isKeyed: keyed !== undefined,
  };
}

/**
 * A request with an Idempotency-Key gets job ids that follow from the key: sent again, it meets its own jobs, and
 * nothing else has to be remembered.
 */
function keyedId(context: Context, queue: string, index: number): string | undefined {
  const key = requestKeyOf(context, queue, index);
  return key === undefined ? undefined : `job_${key}`;
}

function requestKeyOf({ caller, idempotencyKey }: Context, ...of: (string | number)[]): string | undefined {
  if (idempotencyKey === undefined) return undefined;
  const hash = createHash("sha256").update(JSON.stringify([caller.actorId, idempotencyKey, ...of]));
  return hash.digest("hex").slice(0, 32);
}

/** What a job's row says of where it came from. */
export function provenanceOf({ caller }: Context): object {
  const { surface, client, requestId, traceId } = caller.provenance;
  return { key_id: caller.actorId, surface, client, request_id: requestId, trace_id: traceId };
}

/** The jobs as guardrails let them in. Where nothing is checked this costs nothing. */
async function screened(asked: readonly Asked[], context: Context): Promise<Asked[]> {
  const { guardVersion } = workspaceOf(context);
  if (guardVersion === null) return [...asked];
  const jobs = asked.map(({ job }) => job);
  const made = await context.services.guardrails.screen(jobs, guardVersion);
  return asked.map((one, index) => ({ ...one, job: must(made[index]) }));
}

async function takeIn(
  asked: readonly Asked[],
  context: Context,
  check?: (intakes: readonly Intake[]) => void,
): Promise<Intake[]> {
  const workspace = workspaceOf(context);
  const quota = limitsOf(workspace.plan, workspace).executionsPerMonth;
  const access = accessOf(context);
  return context.services.intake({
    ...{ jobs: asked.map(({ job }) => job), quota, plan: workspace.plan, access, check },
  });
}

function check({ job, sent, strict, requestKey, isKeyed }: Asked, intake: Intake): void {
  if (intake.kind === "no queue") throw new RotorError("QUEUE_NOT_FOUND", { name: job.queueName });
  if (!intake.duplicate) return;
  const isRepeated = requestKey !== undefined && intake.requestKey === requestKey;
  if (strict && !isRepeated) throw new RotorError("IDEMPOTENCY_CONFLICT", { id: job.id });
  // A repetition is one also where guardrails began to redact in between.
  if (isKeyed && intake.payload !== job.payload && intake.payload !== sent)
    throw new RotorError("IDEMPOTENCY_KEY_REUSED");
}

function toEnqueued({ job }: Asked, intake: Intake): Enqueued {
  const { state, tags, createdAt, duplicate } = intake as Extract<Intake, { kind: "stored" }>;
  return {
    id: job.id,
    queue: job.queueName,
    state,
    tags,
    created_at: createdAt.toISOString(),
    ...(duplicate && { duplicate }),
    ...(!duplicate && state === "guardrail.blocked" && blockOf(job)),
  };
}

function blockOf({ guard }: NewJob) {
  const { reason = "", failReason = "" } = guard ?? {};
  return { blockedBy: must(blockedBy("guardrail.blocked", reason)), reason: failReason };
}

function checkKeys(jobs: readonly Sent[], keys: readonly string[] | undefined): void {
  if (!keys) return;
  const refuse = (problem: string) => invalidInput([{ path: "idempotencyKeys", problem }]);
  if (keys.length !== jobs.length) throw refuse("must have one entry per job");
  if (new Set(keys).size !== keys.length) throw refuse("must all be different");
  if (jobs.some((job) => job.jobId ?? job.idempotencyKey))
    throw refuse("cannot be used with jobs that have a jobId");
}
