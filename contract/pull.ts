// How workers of a pull queue, one without callback_url, fetch its jobs and say how they went. For programs: no
// MCP tool lists these.

import { z } from "zod";
import { AnyJobId } from "./jobs.ts";
import { operation } from "./operation.ts";
import { Timestamp } from "./primitives.ts";
import { QueueName } from "./queues.ts";

const name = { name: QueueName };

const Lease = z
  .uuid()
  .describe("Says which claim holds the job; who does not know it can neither end nor keep it.")
  .meta({ examples: ["3f6f2a51-93c4-4f0e-9a0e-6d8a6f6f0c11"] });

const LeaseSeconds = z
  .int()
  .min(5)
  .max(900)
  .default(30)
  .describe("The job goes to another worker when its lease is neither renewed nor ended in this time.");

const held = { id: AnyJobId, lease: Lease };

export const ClaimedJob = z.object({
  id: z.string(),
  lease: Lease,
  payload: z.unknown(),
  attempt: z.int().describe("1 for the first attempt of this generation."),
  max_attempts: z.int(),
  generation: z.int(),
  tags: z.array(z.string()),
});

const AttemptResult = z.strictObject({
  ...held,
  outcome: z.enum(["completed", "failed"]),
  result: z.unknown().optional().describe("Of a completed job: any JSON; kept up to 64 KB."),
  reason: z
    .string()
    .regex(/^[a-z][a-z0-9_]{0,63}$/)
    .default("worker_error")
    .describe("Of a failed attempt: why, as a code that a program can switch on."),
  message: z.string().max(4096).optional().describe("Of a failed attempt: why, in words."),
  final: z.boolean().default(false).describe("Of a failed attempt: never try this job again."),
  retry_after_seconds: z
    .number()
    .min(0)
    .max(86_400)
    .optional()
    .describe("Of a failed attempt: wait at least this long before the next."),
});

const mostAtOnce = 100;

export const pull = {
  claim: operation({
    route: "POST /v1/queues/{name}/jobs/claim",
    summary: "Fetch jobs of a pull queue, to work on them.",
    description:
      "Waits up to wait_seconds when there are none. Honours concurrency, rate limit and concurrency keys. End every job, or its lease runs out and the attempt is spent.",
    tools: {},
    positionals: ["name"],
    impact: "write",
    idempotent: false,
    needs: "develop",
    queueKeys: true,
    input: z.strictObject({
      ...name,
      want: z.int().min(1).max(mostAtOnce).default(1).describe("Most jobs to answer with."),
      wait_seconds: z.number().min(0).max(20).default(0).describe("How long to wait for the first job."),
      lease_seconds: LeaseSeconds,
      lease: z.uuid().optional().describe("The claim's lease, chosen by the caller; new for every claim."),
      waits_on_broker: z
        .boolean()
        .default(false)
        .describe(
          "True when this worker waits on the broker, at the place the answer names, between claims.",
        ),
    }),
    output: z.object({
      jobs: z.array(ClaimedJob),
      lease: Lease,
      lease_seconds: z.int(),
      broker: z
        .object({ prefix: z.string(), queue: z.string() })
        .nullable()
        .describe("BullMQ prefix and queue where work is announced; null unless waits_on_broker."),
    }),
    errors: ["INVALID_INPUT", "QUEUE_NOT_FOUND", "QUEUE_NOT_PULL"],
  }),

  end: operation({
    route: "POST /v1/queues/{name}/jobs/end",
    summary: "Say how claimed jobs went: completed with a result, or failed.",
    description: "A job that somebody else holds by now is refused, and nothing is changed by that.",
    tools: {},
    positionals: ["name"],
    impact: "write",
    idempotent: true,
    needs: "develop",
    queueKeys: true,
    limits: { bodyBytes: 8 * 1024 * 1024, fields: 1_000_000 },
    input: z.strictObject({ ...name, ends: z.array(AttemptResult).min(1).max(mostAtOnce) }),
    output: z.object({ accepted: z.array(z.string()), refused: z.array(z.string()) }),
    errors: ["INVALID_INPUT", "QUEUE_NOT_FOUND", "PAYLOAD_TOO_LARGE"],
  }),

  extend: operation({
    route: "POST /v1/queues/{name}/jobs/extend",
    summary: "Renew the leases of claimed jobs that take longer.",
    tools: {},
    positionals: ["name"],
    impact: "write",
    idempotent: true,
    needs: "develop",
    queueKeys: true,
    input: z.strictObject({
      ...name,
      jobs: z.array(z.strictObject(held)).min(1).max(1000),
      lease_seconds: LeaseSeconds,
    }),
    output: z.object({
      extended: z.array(z.string()),
      lost: z.array(z.string()).describe("Jobs that somebody else holds, or that ended."),
      until: Timestamp,
    }),
    errors: ["INVALID_INPUT", "QUEUE_NOT_FOUND"],
  }),

  handBack: operation({
    route: "POST /v1/queues/{name}/jobs/hand-back",
    summary: "Give back the jobs of claims that were not begun; it costs them no attempt.",
    description: "For a worker that stops, or that never received the answer to its claim.",
    tools: {},
    positionals: ["name"],
    impact: "write",
    idempotent: true,
    needs: "develop",
    queueKeys: true,
    input: z.strictObject({ ...name, leases: z.array(Lease).min(1).max(mostAtOnce) }),
    output: z.object({ handed_back: z.int().describe("Jobs that wait again.") }),
    errors: ["INVALID_INPUT", "QUEUE_NOT_FOUND"],
  }),
};
