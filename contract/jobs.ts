import { z } from "zod";
import { confirmable, preview } from "./bulk.ts";
import { Duration } from "./duration.ts";
import { GuardStage } from "./guardrails.ts";
import { explainOf } from "./job-explain.ts";
import { operation } from "./operation.ts";
import { isStorable, listOf, notStorable, page, Timestamp } from "./primitives.ts";
import { Backoff, QueueName } from "./queues.ts";

export const jobStates = [
  "waiting",
  "delayed",
  "active",
  "completed",
  "failed",
  "cancelled",
  "pending_approval",
  "guardrail.blocked",
] as const;
export const JobState = z.enum(jobStates);
export type JobState = z.infer<typeof JobState>;

/** Anything printable: a caller's own id may be `outreach:cmp_456:cid_123`. */
const jobIdOf = (longest: number) =>
  z
    .string()
    .min(1)
    .max(longest)
    .refine((id) => !/[\p{Cc}\p{Cs}/]/u.test(id), "must not contain control characters or slashes")
    .describe("Id of the job: the caller's own, or `job_…`.")
    .meta({ examples: ["job_0190c8a1b2c3d4e5f6a7b8c9d0e1f2a3"] });

export const JobId = jobIdOf(256);
/** Longer than a new job's may be: a replay's id has the replayed one's in it. */
export const AnyJobId = jobIdOf(512);

/** Text that Postgres, a header and a log line can all hold. */
const Text = z
  .string()
  .min(1)
  .refine((text) => !/[\p{Cc}\p{Cs}]/u.test(text), "must not contain control characters");

export const JobOptions = z.strictObject({
  payload: z
    .unknown()
    .optional()
    .describe("What the handler gets as its body, any JSON up to 512 KB; `{}` when left out.")
    .meta({ examples: [{ contactId: "cid_123" }] }),
  delay: Duration.optional(),
  priority: z.int().min(0).max(2_097_152).default(0).describe("Lower numbers start first."),
  tags: z.array(Text.max(64)).max(10).default([]).describe("Labels to find the job by."),
  concurrencyKey: Text.max(256)
    .optional()
    .describe("At most one job with this key is active at once, in the whole workspace."),
  jobId: JobId.optional().describe("The job's id; a second job with it is the first one again."),
  idempotencyKey: JobId.optional().describe("Another name for jobId."),
  strict: z
    .boolean()
    .default(false)
    .describe("Fail with IDEMPOTENCY_CONFLICT instead of answering with the first job."),
  attempts: z.int().min(1).max(100).optional().describe("Attempts of this job; default: the queue's."),
  backoff: Backoff.optional().describe("Wait between attempts of this job; default: the queue's."),
});

export const EnqueuedJob = z.object({
  id: z.string(),
  queue: z.string(),
  state: JobState,
  tags: z.array(z.string()),
  created_at: Timestamp,
  duplicate: z
    .boolean()
    .optional()
    .describe("True when a job with this id existed already; this is that one."),
  blockedBy: GuardStage.optional().describe("The guardrail that stopped it; it will not be sent."),
  reason: z.string().optional().describe("Why it was stopped."),
});

export const Attempt = z.object({
  generation: z.int(),
  attempt: z.int(),
  started_at: Timestamp,
  duration_ms: z.int(),
  status: z.int().nullable().describe("Of the handler's response; null when there was none."),
  response: z.string().nullable().describe("Beginning of the response body, at most 64 KB."),
  error: z.string().nullable(),
});

export const Job = z.object({
  id: z.string(),
  queue: z.string(),
  state: JobState,
  priority: z.int(),
  tags: z.array(z.string()),
  concurrencyKey: z.string().nullable(),
  generation: z.int().describe("Grows by one when an ended job is retried."),
  attempts_made: z.int(),
  max_attempts: z.int(),
  due_at: Timestamp.nullable(),
  reason: z.string().nullable().describe("Why it failed, as a code."),
  fail_reason: z.string().nullable().describe("Why it failed or was blocked, in words."),
  blockedBy: GuardStage.nullable().describe("The guardrail that stopped it."),
  replayed_as: z.string().nullable(),
  created_at: Timestamp,
  started_at: Timestamp.nullable(),
  ended_at: Timestamp.nullable(),
});
export type Job = z.infer<typeof Job>;

export const JobDetail = Job.extend({
  payload: z.unknown(),
  result: z.unknown(),
  approval_id: z
    .string()
    .nullable()
    .describe("The approval it waits for, or that was decided about it; `apv_…`."),
  attempts: z.array(Attempt).describe("The newest 100, oldest first."),
  guardrail: z
    .object({
      score: z.number().optional().describe("The brand tone judge's, 0 to 1."),
      threshold: z.number().optional(),
      judge_reason: z.string().optional().describe("The judge's own words."),
      released: z.array(GuardStage).optional().describe("Stages that an admin let it pass."),
    })
    .nullable(),
  enqueued_by: z
    .record(z.string(), z.unknown())
    .describe("Key, surface, program, request and trace it came through."),
});

const name = { name: QueueName };
const at = { ...name, id: AnyJobId };

export const jobs = {
  enqueue: operation({
    route: "POST /v1/queues/{name}/jobs",
    summary: "Add one job to a queue (enqueue, send, submit, schedule for later with delay).",
    description:
      "Answered once the job is stored for good. With jobId, adding it again answers with the first job and duplicate: true. For work in several steps use trigger_workflow.",
    synonyms: "enqueue submit push one job payload send later delay",
    tools: { hosted: { name: "enqueue_job", toolset: "jobs" }, stdio: "rotor_add_job" },
    positionals: ["name"],
    impact: "write",
    idempotent: false,
    needs: "develop",
    queueKeys: true,
    creates: true,
    // Room for the other fields around a payload of 512 KB.
    limits: { bodyBytes: 576 * 1024, fields: 10_000 },
    input: z.strictObject({ ...name, ...JobOptions.shape }),
    output: EnqueuedJob,
    errors: ["INVALID_INPUT", "QUEUE_NOT_FOUND", "QUOTA_EXCEEDED", "IDEMPOTENCY_CONFLICT"],
  }),

  addBatch: operation({
    route: "POST /v1/queues/{name}/jobs/batch",
    summary: "Add up to 1,000 jobs at once; all of them or none.",
    synonyms: "bulk batch several many submit jobs at once",
    tools: { hosted: { name: "enqueue_jobs", toolset: "jobs" } },
    positionals: ["name", "jobs"],
    aliases: ["enqueueBatch"],
    impact: "write",
    idempotent: false,
    needs: "develop",
    queueKeys: true,
    creates: true,
    limits: { bodyBytes: 16 * 1024 * 1024, fields: 1_000_000 },
    input: z.strictObject({
      ...name,
      jobs: z
        .array(JobOptions)
        .min(1)
        .max(1000)
        .describe("The jobs, each with the fields of a single one.")
        .meta({ examples: [[{ payload: { contactId: "cid_001" } }, { payload: { contactId: "cid_002" } }]] }),
      idempotencyKeys: z.array(JobId).max(1000).optional().describe("One per job, in order, each different."),
    }),
    output: z.object({ jobs: z.array(EnqueuedJob) }),
    errors: [
      "INVALID_INPUT",
      "QUEUE_NOT_FOUND",
      "QUOTA_EXCEEDED",
      "IDEMPOTENCY_CONFLICT",
      "PAYLOAD_TOO_LARGE",
    ],
  }),

  list: operation({
    route: "GET /v1/queues/{name}/jobs",
    summary: "List a queue's jobs, newest first, by state, tag, time or text.",
    description:
      "Shows no payloads; get one job for that. For counts use queue_stats. With a filter a page looks at 20,000 jobs: it may hold fewer than limit, or none, and nextCursor goes on.",
    synonyms: "which jobs tag tagged delayed find search newest",
    tools: { hosted: { name: "list_jobs", toolset: "jobs" }, stdio: "rotor_list_jobs" },
    positionals: ["name"],
    impact: "read",
    idempotent: true,
    needs: "read",
    queueKeys: true,
    input: z.strictObject({
      ...name,
      ...page,
      state: JobState.optional().describe("Only jobs in this state."),
      status: JobState.optional().describe("Another name for state."),
      tag: z.string().max(64).refine(isStorable, notStorable).optional().describe("Only jobs with this tag."),
      from: Timestamp.optional().describe("Created at or after."),
      to: Timestamp.optional().describe("Created before."),
      text: z
        .string()
        .min(1)
        .max(128)
        .refine(isStorable, notStorable)
        .optional()
        .describe("Found in id, tags or failure reason."),
    }),
    output: listOf(Job),
    errors: ["INVALID_INPUT", "QUEUE_NOT_FOUND"],
  }),

  get: operation({
    route: "GET /v1/queues/{name}/jobs/{id}",
    summary: "Get one job: state, payload, result, and attempts with responses.",
    description: "For why it waits or failed use explain_job.",
    synonyms: "show payload result attempts responses of one job details",
    tools: { hosted: { name: "get_job", toolset: "jobs" }, stdio: "rotor_get_job" },
    positionals: ["name", "id"],
    impact: "read",
    idempotent: true,
    needs: "read",
    queueKeys: true,
    input: z.strictObject(at),
    output: JobDetail,
    errors: ["QUEUE_NOT_FOUND", "JOB_NOT_FOUND"],
  }),

  cancel: operation({
    route: "DELETE /v1/queues/{name}/jobs/{id}",
    summary: "Cancel a job that has not started (waiting, delayed or pending approval).",
    description:
      "An active job cannot be cancelled. Cancelling a cancelled job changes nothing. For a run use cancel_run.",
    synonyms: "call off stop delayed job before it starts do not send",
    tools: { hosted: { name: "cancel_job", toolset: "jobs" }, stdio: "rotor_delete_job" },
    positionals: ["name", "id"],
    aliases: ["delete"],
    impact: "destroy",
    idempotent: true,
    needs: "develop",
    queueKeys: true,
    input: z.strictObject({ ...at, ...confirmable }),
    output: z.object({ deleted: z.boolean(), state: JobState, ...preview }),
    errors: ["QUEUE_NOT_FOUND", "JOB_NOT_FOUND", "JOB_STATE_CONFLICT", "CONFIRMATION_STALE"],
  }),

  retry: operation({
    route: "POST /v1/queues/{name}/jobs/{id}/retry",
    summary: "Retry a failed job: it waits again, with all its attempts.",
    description:
      "The same job goes on as its next generation. Retrying a job that waits already changes nothing. For others too use retry_failed_jobs, or replay_failed_jobs.",
    synonyms: "again another go one failed job same",
    tools: { hosted: { name: "retry_job", toolset: "jobs" }, stdio: "rotor_retry_job" },
    positionals: ["name", "id"],
    impact: "write",
    idempotent: true,
    needs: "develop",
    queueKeys: true,
    input: z.strictObject(at),
    output: Job,
    errors: ["QUEUE_NOT_FOUND", "JOB_NOT_FOUND", "JOB_STATE_CONFLICT"],
  }),

  release: operation({
    route: "POST /v1/queues/{name}/jobs/{id}/release",
    summary: "Release a job that a guardrail blocked by mistake (false positive): it goes on.",
    description:
      "The stage that blocked it is passed over; the later ones, and an approval where there is one, still come.",
    synonyms: "unblock false positive allow guardrail override",
    tools: { hosted: { name: "release_job", toolset: "guardrails" } },
    positionals: ["name", "id"],
    impact: "write",
    idempotent: false,
    needs: "manage",
    human: true,
    audit: "job.released",
    input: z.strictObject(at),
    output: Job,
    errors: ["QUEUE_NOT_FOUND", "JOB_NOT_FOUND", "JOB_STATE_CONFLICT"],
  }),

  explain: explainOf(AnyJobId),
};
