// Operations on all of a queue's jobs: numbers, draining, retrying.

import { z } from "zod";
import { confirmable, preview } from "./bulk.ts";
import { operation } from "./operation.ts";
import { isStorable, notStorable, QueueName, Timestamp } from "./primitives.ts";

const name = { name: QueueName };

export const QueueCounts = z.object({
  waiting: z.int(),
  delayed: z.int(),
  active: z.int(),
  completed: z.int(),
  failed: z.int(),
  cancelled: z.int(),
  pending_approval: z.int(),
  guardrail_blocked: z.int(),
  oldest_waiting_seconds: z
    .int()
    .nullable()
    .describe("Since when the first in line waits; null when none does."),
});

const Rates = z.object({ accepted: z.number(), completed: z.number(), failed: z.number() });

/** Which failed jobs; without any of these, all. */
export const failedFilter = {
  tag: z.string().max(64).refine(isStorable, notStorable).optional().describe("Only jobs with this tag."),
  reason: z
    .string()
    .max(64)
    .refine(isStorable, notStorable)
    .optional()
    .describe("Only jobs that failed for this reason.")
    .meta({ examples: ["http_503"] }),
  fingerprint: z
    .string()
    .max(300)
    .refine(isStorable, notStorable)
    .optional()
    .describe("Only failures like this one; see the failure groups."),
  from: Timestamp.optional().describe("Failed at or after."),
  to: Timestamp.optional().describe("Failed before."),
};

export const stats = operation({
  route: "GET /v1/queues/{name}/stats",
  summary: "Get a queue's numbers: jobs per state, oldest waiting, throughput, durations.",
  synonyms: "depth backlog length size how many jobs waiting counts numbers latency metrics big now",
  tools: { hosted: { name: "queue_stats", toolset: "default", always: true } },
  positionals: ["name"],
  impact: "read",
  idempotent: true,
  needs: "read",
  queueKeys: true,
  input: z.strictObject(name),
  output: QueueCounts.extend({
    throughput: z
      .object({ last_1_minute: Rates, last_5_minutes: Rates, last_60_minutes: Rates })
      .describe("Jobs per minute."),
    duration_ms: z
      .object({ p50: z.int().nullable(), p95: z.int().nullable(), p99: z.int().nullable() })
      .describe("Of the attempts of the last hour; right to within a power of two."),
  }),
  errors: ["QUEUE_NOT_FOUND"],
});

export const drain = operation({
  route: "POST /v1/queues/{name}/drain",
  summary: "Delete a queue's waiting jobs (empty, clear, flush, purge it).",
  description:
    "With include_delayed the delayed ones too. They are gone for good; active jobs go on, ended ones stay. To stop without deleting, use set_queue_state. When remaining is above 0, call again.",
  synonyms: "empty clear flush purge discard throw away all waiting jobs backlog",
  tools: { hosted: { name: "drain_queue", toolset: "default" }, stdio: "rotor_drain_queue" },
  positionals: ["name"],
  impact: "destroy",
  idempotent: true,
  needs: "develop",
  audit: "queue.drained",
  input: z.strictObject({
    ...name,
    include_delayed: z.boolean().default(false).describe("Delete the delayed jobs too."),
    ...confirmable,
  }),
  output: z.object({
    drained: z.int().describe("Jobs deleted by this call."),
    remaining: z.int().describe("Jobs still there to drain; a call stops after 5 seconds or 100,000 jobs."),
    ...preview,
  }),
  errors: ["QUEUE_NOT_FOUND", "CONFIRMATION_STALE"],
});

export const retryAll = operation({
  route: "POST /v1/queues/{name}/retry-all",
  summary: "Retry a queue's failed jobs, all or those that a filter finds, oldest first.",
  description:
    "Each waits again with all its attempts, under its own id. Replayed ones are left out. While nextCursor is not null, call again with it as cursor. For one job use retry_job; to try a few first, replay_failed_jobs with canary.",
  synonyms: "all every failed again bulk fresh attempts",
  tools: { hosted: { name: "retry_failed_jobs", toolset: "jobs" } },
  positionals: ["name"],
  impact: "write",
  idempotent: false,
  needs: "develop",
  queueKeys: true,
  audit: "queue.retried",
  input: z.strictObject({
    ...name,
    ...failedFilter,
    cursor: z.string().max(512).optional().describe("`nextCursor` of the call before, to go on."),
    ...confirmable,
  }),
  output: z.object({
    retried: z.int().describe("Jobs that wait again by this call."),
    remaining: z.int().describe("Failed jobs this pass has not looked at yet, counted up to 10,000."),
    nextCursor: z
      .string()
      .nullable()
      .optional()
      .describe("Pass as `cursor` to go on; null when all were looked at."),
    ...preview,
  }),
  errors: ["INVALID_INPUT", "QUEUE_NOT_FOUND", "CONFIRMATION_STALE"],
});
