import { z } from "zod";
import { confirmable, preview } from "./bulk.ts";
import { Duration, lastsASecond } from "./duration.ts";
import { operation } from "./operation.ts";
import { isOneLine, listOf, page, QueueName, Timestamp } from "./primitives.ts";
import { check } from "./queue-check.ts";
import { drain, QueueCounts, retryAll, stats } from "./queue-work.ts";

export { QueueName };

export const QueueState = z.enum(["active", "paused"]);

export const Backoff = z.strictObject({
  type: z.enum(["fixed", "exponential"]).default("exponential").describe("How the wait grows."),
  delay: z.int().min(0).max(86_400_000).default(1000).describe("Milliseconds before the first retry."),
  jitter: z.number().min(0).max(1).default(0.2).describe("Share of each delay that is random, 0 to 1."),
});

export const RateLimit = z.strictObject({
  max: z.int().min(1).max(1_000_000).describe("Jobs that may start in one period."),
  period_seconds: z.int().min(1).max(86_400).default(1).describe("Length of a period."),
});

/** RFC 9110 tokens that say something about the request itself are ours to set. */
const forbiddenHeader =
  /^(host|content-.*|transfer-encoding|connection|keep-alive|te|trailer|upgrade|proxy-.*|expect|x-rotor-.*|webhook-.*|rotor-.*|traceparent|tracestate|user-agent)$/i;

export const CallbackHeaders = z
  .record(
    z
      .string()
      .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$/)
      .refine((name) => !forbiddenHeader.test(name), "is a header that Rotor sets itself"),
    z
      .string()
      .max(2048)
      .regex(/^[\t\x20-\x7e]*$/),
  )
  .refine((headers) => Object.keys(headers).length <= 20, "must have at most 20 headers")
  .refine((headers) => {
    const names = Object.keys(headers).map((name) => name.toLowerCase());
    return new Set(names).size === names.length;
  }, "must not name a header twice; capitals make no difference")
  .refine((headers) => JSON.stringify(headers).length <= 4096, "must be at most 4 KB together")
  .describe("Extra headers of every delivery.");

const QueueConfig = z.object({
  name: QueueName,
  state: QueueState,
  mode: z
    .enum(["callback", "pull"])
    .describe("`pull` when there is no callback_url: workers fetch the jobs."),
  concurrency: z.int().describe("Most jobs that may be active at once."),
  retry_attempts: z.int().describe("Attempts per job before it is dead-lettered."),
  backoff: z.object({ type: z.enum(["fixed", "exponential"]), delay: z.int(), jitter: z.number() }),
  timeout_seconds: z.int().describe("Longest time a delivery may take."),
  rate_limit: z.object({ max: z.int(), period_seconds: z.int() }).nullable(),
  callback_url: z.string().nullable(),
  callback_headers: z
    .record(z.string(), z.string())
    .describe("Names of the extra headers; a value is never shown, and *** sent back keeps it."),
  approval_required: z.boolean(),
  approval_timeout_seconds: z
    .int()
    .nullable()
    .describe("A pending approval is rejected after this; null waits forever."),
  four_eyes: z.boolean().describe("True when who enqueued a job may not approve it."),
  defaultJobOptions: z.object({
    attempts: z.int(),
    backoff: z.object({ type: z.enum(["fixed", "exponential"]), delay: z.int() }),
  }),
  previous_secret_valid_until: Timestamp.nullable().describe(
    "Until then deliveries carry the old signature too.",
  ),
  created_at: Timestamp,
  updated_at: Timestamp,
});

export const Queue = QueueConfig.extend({
  stats: QueueCounts.describe("How many of its jobs are in each state."),
});
export type Queue = z.infer<typeof Queue>;

const QueueWithSecret = QueueConfig.extend({
  callback_secret: z.string().optional().describe("The signing secret; shown this once."),
});

const DefaultJobOptions = z.strictObject({
  attempts: z.int().min(1).max(100).optional().describe("Attempts per job."),
  backoff: Backoff.optional().describe("Wait between attempts."),
});

/** Settings as they are sent; a missing one keeps its value, or takes its default on a new queue. */
const settings = {
  concurrency: z
    .int()
    .min(1)
    .max(1000)
    .optional()
    .describe("Most jobs that may be active at once; default 1.")
    .meta({ examples: [5] }),
  retry_attempts: z.int().min(1).max(100).optional().describe("Attempts per job; default 3."),
  backoff: Backoff.optional().describe("Wait between attempts; default exponential from 1000 ms."),
  timeout_seconds: z
    .int()
    .min(1)
    .max(900)
    .optional()
    .describe("Longest time a delivery may take; default 30."),
  rate_limit: RateLimit.nullable().optional().describe("Most jobs started per period; null for none."),
  callback_url: z
    .url({ protocol: /^https?$/ })
    .max(2048)
    .refine(isOneLine, "must not contain line breaks or control characters")
    .nullable()
    .optional()
    .describe("Where Rotor POSTs each job; null makes it a pull queue.")
    .meta({ examples: ["https://app.example.com/jobs"] }),
  callback_headers: CallbackHeaders.optional(),
  rotate_callback_secret: z
    .boolean()
    .optional()
    .describe("Make a new signing secret; the old one stays valid for 24 hours."),
  force: z
    .boolean()
    .optional()
    .describe("With rotate_callback_secret: end a previous secret that is still valid."),
  approval_required: z.boolean().optional().describe("True when a person must approve each job first."),
  approval_timeout_seconds: z
    .int()
    .min(1)
    .max(31_536_000)
    .nullable()
    .optional()
    .describe("Reject a pending approval after this; null, the default, waits forever."),
  approval_timeout: Duration.refine(lastsASecond, "must be at least a second")
    .nullable()
    .optional()
    .describe("Another name for approval_timeout_seconds; takes a duration such as `2h`, too.")
    .meta({ aliasOf: "approval_timeout_seconds" }),
  four_eyes: z.boolean().optional().describe("Who enqueued a job, by any key, may not approve it."),
  defaultJobOptions: DefaultJobOptions.optional().describe("BullMQ's way to say retry_attempts and backoff."),
};

const name = { name: QueueName };

export const queues = {
  list: operation({
    route: "GET /v1/queues",
    summary: "List the workspace's queues by name.",
    description: "Shows each queue's settings and state. For one queue whose name you know, get it instead.",
    synonyms: "which queues overview",
    tools: { hosted: { name: "list_queues", toolset: "jobs" }, stdio: "rotor_list_queues" },
    impact: "read",
    idempotent: true,
    needs: "read",
    input: z.strictObject({ ...page, state: QueueState.optional().describe("Only queues in this state.") }),
    output: listOf(Queue),
    errors: ["INVALID_INPUT"],
  }),

  create: operation({
    route: "POST /v1/queues",
    summary: "Create a queue.",
    description:
      "Fails when the name is taken. With callback_url, jobs are POSTed there and the answer carries callback_secret once.",
    tools: { stdio: "rotor_create_queue" },
    positionals: ["name"],
    impact: "write",
    idempotent: false,
    needs: "develop",
    creates: true,
    audit: "queue.created",
    input: z.strictObject({ ...name, ...settings }),
    output: QueueWithSecret,
    errors: ["INVALID_INPUT", "QUEUE_EXISTS"],
  }),

  upsert: operation({
    route: "PUT /v1/queues/{name}",
    summary: "Create a queue, or change its settings if it exists.",
    description:
      "Settings that are not passed keep their value. Setting callback_url for the first time answers with callback_secret once. To pause or resume use set_queue_state.",
    synonyms:
      "new add make set up configure edit concurrency parallel run jobs at once attempts tries rate limit webhook",
    tools: { hosted: { name: "upsert_queue", toolset: "default" } },
    positionals: ["name"],
    impact: "write",
    idempotent: true,
    needs: "develop",
    creates: true,
    audit: "queue.saved",
    input: z.strictObject({ ...name, ...settings }),
    output: QueueWithSecret.extend({ created: z.boolean() }),
    errors: ["INVALID_INPUT", "SECRET_ROTATING"],
  }),

  get: operation({
    route: "GET /v1/queues/{name}",
    summary: "Get one queue's settings, state and job counts.",
    synonyms: "settings configuration details of one queue callback url",
    tools: { hosted: { name: "get_queue", toolset: "jobs" }, stdio: "rotor_get_queue" },
    positionals: ["name"],
    impact: "read",
    idempotent: true,
    needs: "read",
    queueKeys: true,
    input: z.strictObject(name),
    output: Queue,
    errors: ["QUEUE_NOT_FOUND"],
  }),

  update: operation({
    route: "PATCH /v1/queues/{name}",
    summary: "Change some of a queue's settings.",
    description:
      "Settings that are not passed keep their value. With rotate_callback_secret the answer carries the new secret once.",
    tools: { stdio: "rotor_update_queue" },
    positionals: ["name"],
    impact: "write",
    idempotent: false,
    needs: "develop",
    audit: "queue.updated",
    input: z.strictObject({ ...name, ...settings }),
    output: QueueWithSecret,
    errors: ["INVALID_INPUT", "QUEUE_NOT_FOUND", "SECRET_ROTATING"],
  }),

  delete: operation({
    route: "DELETE /v1/queues/{name}",
    summary: "Delete a queue for good.",
    description:
      "Refused while it has jobs that have not ended, unless with_jobs is true. To only empty it use drain_queue; to stop it for a while pause it.",
    synonyms: "remove permanently get rid unused queue everything jobs too",
    tools: { hosted: { name: "delete_queue", toolset: "jobs" }, stdio: "rotor_delete_queue" },
    positionals: ["name"],
    impact: "destroy",
    idempotent: false,
    needs: "develop",
    audit: "queue.deleted",
    input: z.strictObject({
      ...name,
      with_jobs: z.boolean().default(false).describe("Delete its jobs too."),
      ...confirmable,
    }),
    output: z.object({
      deleted: z.boolean(),
      jobs: z.int().describe("Jobs that go with it, ended ones included."),
      ...preview,
    }),
    errors: ["INVALID_INPUT", "QUEUE_NOT_FOUND", "QUEUE_NOT_EMPTY", "CONFIRMATION_STALE"],
  }),

  pause: operation({
    route: "POST /v1/queues/{name}/pause",
    summary: "Stop a queue from starting jobs; active ones go on and new ones are accepted.",
    tools: {},
    positionals: ["name"],
    impact: "write",
    idempotent: true,
    needs: "develop",
    audit: "queue.paused",
    input: z.strictObject(name),
    output: QueueConfig,
    errors: ["QUEUE_NOT_FOUND"],
  }),

  resume: operation({
    route: "POST /v1/queues/{name}/resume",
    summary: "Let a paused queue start jobs again.",
    tools: {},
    positionals: ["name"],
    impact: "write",
    idempotent: true,
    needs: "develop",
    audit: "queue.resumed",
    input: z.strictObject(name),
    output: QueueConfig,
    errors: ["QUEUE_NOT_FOUND"],
  }),

  setState: operation({
    route: "PUT /v1/queues/{name}/state",
    summary: "Pause a queue (stop, hold) or resume it (start, activate).",
    description:
      "Paused: accepts jobs and starts none. Nothing is deleted; to delete waiting jobs use drain_queue.",
    synonyms: "pause resume unpause stop start again hold disable enable processing keep jobs",
    tools: {
      hosted: { name: "set_queue_state", toolset: "default" },
      stdio: "rotor_set_queue_state",
    },
    positionals: ["name", "state"],
    impact: "write",
    idempotent: true,
    needs: "develop",
    audit: "queue.state_set",
    input: z.strictObject({
      ...name,
      state: z
        .enum(["active", "paused", "resume", "pause", "drain"])
        .describe("`active` (or `resume`) or `paused` (or `pause`).")
        .meta({ examples: ["paused"] }),
    }),
    output: QueueConfig,
    errors: ["INVALID_INPUT", "QUEUE_NOT_FOUND"],
  }),

  stats,
  drain,
  retryAll,
  check,
};
