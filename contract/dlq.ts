// The dead letters of a queue: jobs that failed for good and were not replayed.

import { z } from "zod";
import { confirmable, preview } from "./bulk.ts";
import { AnyJobId, Job } from "./jobs.ts";
import { operation } from "./operation.ts";
import { isStorable, listOf, notStorable, page, QueueName, Timestamp } from "./primitives.ts";
import { failedFilter } from "./queue-work.ts";

const name = { name: QueueName };

export const FailedJob = Job.extend({
  fingerprint: z.string().nullable().describe("Failures that look alike have the same one."),
});

const FailureGroup = z.object({
  fingerprint: z.string().nullable(),
  reason: z.string().nullable().describe("Why they failed, as a code."),
  fail_reason: z.string().nullable().describe("Why the newest of them failed, in words."),
  count: z.int(),
  example_job_id: z.string().describe("The newest of them."),
  first_seen: Timestamp,
  last_seen: Timestamp,
});

export const Replay = z.object({
  id: z.string(),
  queue: z.string(),
  state: z.enum(["running", "completed", "stopped"]),
  stopped_because: z.enum(["error_rate", "asked", "queue_deleted"]).nullable(),
  stage: z.enum(["1%", "10%", "all"]),
  total: z.int().describe("Jobs found when it was started, counted up to 100,000."),
  sent: z.int().describe("Jobs replayed so far."),
  completed: z.int(),
  failed: z.int(),
  error_rate: z.number().nullable().describe("Failed among those that ended; null before the first ended."),
  max_error_rate: z.number(),
  created_at: Timestamp,
  ended_at: Timestamp.nullable(),
});

const replayAt = {
  ...name,
  id: z
    .string()
    .max(64)
    .refine(isStorable, notStorable)
    .describe("Id of the replay.")
    .meta({ examples: ["rpl_0190c8a1b2c3d4e5f6a7b8c9d0e1f2a3"] }),
};

export const dlq = {
  list: operation({
    route: "GET /v1/queues/{name}/dlq",
    summary: "List a queue's dead letters: jobs that failed for good and were not replayed.",
    description: "Newest first. For causes and how often each occurs, list the failure groups instead.",
    synonyms: "dlq dead letters errors show",
    tools: { hosted: { name: "list_failed_jobs", toolset: "jobs" }, stdio: "rotor_get_dlq" },
    positionals: ["name"],
    impact: "read",
    idempotent: true,
    needs: "read",
    queueKeys: true,
    input: z.strictObject({
      ...name,
      ...page,
      ...failedFilter,
      include_replayed: z.boolean().default(false).describe("Also jobs that were replayed already."),
    }),
    output: listOf(FailedJob),
    errors: ["INVALID_INPUT", "QUEUE_NOT_FOUND"],
  }),

  groups: operation({
    route: "GET /v1/queues/{name}/dlq/groups",
    summary: "Group a queue's dead letters by what went wrong, most frequent first.",
    synonyms: "group failed jobs by causes triage cluster most frequent errors why fail how often",
    tools: { hosted: { name: "list_failure_groups", toolset: "jobs" } },
    positionals: ["name"],
    impact: "read",
    idempotent: true,
    needs: "read",
    queueKeys: true,
    input: z.strictObject({ ...name, limit: page.limit }),
    output: z.object({
      data: z.array(FailureGroup),
      nextCursor: z.null().describe("Always null: there is one page."),
      looked_at: z.int().describe("Jobs looked at: the newest 20,000 at most."),
    }),
    errors: ["INVALID_INPUT", "QUEUE_NOT_FOUND"],
  }),

  replay: operation({
    route: "POST /v1/queues/{name}/dlq/replay",
    summary: "Replay a queue's dead letters as new jobs named `replay-<id>`: by ids, by filter, or all.",
    description:
      "To go on with one job under its own id use retry_job. A job is replayed once, however often this is called. With canary 1 % go first, then 10 %, then all, and it stops by itself when too many fail; watch it with get_replay. While nextCursor is not null, call again with it as cursor.",
    synonyms: "redrive requeue resend reprocess dead letters dlq canary",
    tools: { hosted: { name: "replay_failed_jobs", toolset: "jobs" }, stdio: "rotor_replay_dlq" },
    positionals: ["name"],
    impact: "write",
    idempotent: true,
    needs: "develop",
    queueKeys: true,
    audit: "dlq.replayed",
    input: z.strictObject({
      ...name,
      job_id: AnyJobId.optional().describe("Replay this one job."),
      job_ids: z.array(AnyJobId).min(1).max(1000).optional().describe("Replay these jobs."),
      ...failedFilter,
      all: z.boolean().default(false).describe("True to replay all of them."),
      cursor: z.string().max(512).optional().describe("`nextCursor` of the call before, to go on."),
      canary: z.boolean().default(false).describe("Replay in steps, in the background; not with ids."),
      max_error_rate: z
        .number()
        .min(0)
        .max(1)
        .default(0.2)
        .describe("Canary: stop when more than this share of the replayed fail."),
      ...confirmable,
    }),
    output: z.object({
      replayed: z.int().describe("Jobs made by this call."),
      already_replayed: z.int().describe("Jobs asked for by id that were replayed before."),
      not_failed: z
        .array(z.string())
        .describe("Ids asked for that are not dead letters, or that a person rejected."),
      name_taken: z
        .array(z.string())
        .describe("Ids asked for that stay dead letters, because another job is named `replay-<id>`."),
      remaining: z.int().describe("Failed jobs this pass has not looked at yet, counted up to 10,000."),
      nextCursor: z.string().nullable().optional().describe("Pass as `cursor` to go on; null when done."),
      replay: Replay.optional().describe("The canary replay that was started."),
      ...preview,
    }),
    errors: ["INVALID_INPUT", "QUEUE_NOT_FOUND", "CONFIRMATION_STALE"],
  }),

  getReplay: operation({
    route: "GET /v1/queues/{name}/dlq/replays/{id}",
    summary: "Get how far a canary replay is, and how its jobs fare.",
    synonyms: "progress canary replay how far",
    tools: { hosted: { name: "get_replay", toolset: "jobs" } },
    positionals: ["name", "id"],
    impact: "read",
    idempotent: true,
    needs: "read",
    queueKeys: true,
    input: z.strictObject(replayAt),
    output: Replay,
    errors: ["QUEUE_NOT_FOUND", "REPLAY_NOT_FOUND"],
  }),

  stopReplay: operation({
    route: "POST /v1/queues/{name}/dlq/replays/{id}/stop",
    summary: "Stop a canary replay: nothing more is sent; what was sent goes on.",
    synonyms: "halt abort canary replay",
    tools: { hosted: { name: "stop_replay", toolset: "jobs" } },
    positionals: ["name", "id"],
    impact: "write",
    idempotent: true,
    needs: "develop",
    queueKeys: true,
    audit: "dlq.replay_stopped",
    input: z.strictObject(replayAt),
    output: Replay,
    errors: ["QUEUE_NOT_FOUND", "REPLAY_NOT_FOUND"],
  }),
};
