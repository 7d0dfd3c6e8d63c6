// What the operator needs to find out why work does not get done, in whichever workspace.

import { z } from "zod";
import { confirmable } from "./bulk.ts";
import { dlq, FailedJob } from "./dlq.ts";
import { AnyJobId, JobDetail } from "./jobs.ts";
import { operation } from "./operation.ts";
import { listOf, page, QueueName } from "./primitives.ts";
import { failedFilter } from "./queue-work.ts";
import { Queue } from "./queues.ts";
import { WorkspaceId } from "./workspaces.ts";

const queueAt = { workspace: WorkspaceId, queue: QueueName };
const { job_id, job_ids, all, cursor } = dlq.replay.input.shape;

export const adminJobs = {
  listQueues: operation({
    route: "GET /admin/workspaces/{id}/queues",
    summary: "List any workspace's queues by name, with how many jobs each has per state.",
    tools: { admin: "rotor_get_workspace_queues" },
    positionals: ["id"],
    impact: "read",
    idempotent: true,
    needs: "operate",
    input: z.strictObject({ id: WorkspaceId, ...page }),
    output: listOf(Queue),
    errors: ["INVALID_INPUT", "WORKSPACE_NOT_FOUND"],
  }),

  getJob: operation({
    route: "GET /admin/jobs/{id}",
    summary: "Get any workspace's job by its id: payload, result, attempts, failure reason.",
    description:
      "An id is unique in its queue only: where several jobs have it, say workspace and queue, too.",
    tools: { admin: "rotor_inspect_job" },
    positionals: ["id"],
    impact: "read",
    idempotent: true,
    needs: "operate",
    input: z.strictObject({
      id: AnyJobId.describe("Id of the job."),
      workspace: WorkspaceId.optional(),
      queue: QueueName.optional(),
    }),
    output: JobDetail.extend({ workspace_id: z.string() }),
    errors: ["INVALID_INPUT", "JOB_NOT_FOUND"],
  }),

  listFailed: operation({
    route: "GET /admin/dlq",
    summary: "List the dead letters of any workspace's queue, newest first, and count them.",
    tools: { admin: "rotor_get_dlq" },
    positionals: ["workspace", "queue"],
    impact: "read",
    idempotent: true,
    needs: "operate",
    input: z.strictObject({ ...queueAt, ...page, ...failedFilter }),
    output: listOf(FailedJob).extend({
      depth: z.int().describe("Dead letters that fit and may be replayed, counted among the oldest 20,000."),
    }),
    errors: ["INVALID_INPUT", "WORKSPACE_NOT_FOUND", "QUEUE_NOT_FOUND"],
  }),

  replayFailed: operation({
    route: "POST /admin/dlq/replay",
    summary: "Replay dead letters of any workspace's queue as new jobs named `replay-<id>`.",
    description:
      "By ids, by filter, or all. A job is replayed once, however often this is called. While nextCursor is not null, call again with it as cursor.",
    tools: { admin: "rotor_replay_dlq" },
    positionals: ["workspace", "queue"],
    impact: "destroy",
    idempotent: true,
    needs: "operate",
    audit: "dlq.replayed",
    input: z.strictObject({
      ...queueAt,
      // An example that fits on a line with the workspace and the queue.
      job_id: job_id.meta({ examples: ["welcome-42"] }),
      job_ids,
      ...failedFilter,
      all,
      cursor,
      ...confirmable,
    }),
    output: dlq.replay.output.omit({ replay: true }),
    errors: ["INVALID_INPUT", "WORKSPACE_NOT_FOUND", "QUEUE_NOT_FOUND", "CONFIRMATION_STALE"],
  }),
};
