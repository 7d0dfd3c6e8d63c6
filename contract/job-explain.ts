// Why a job is where it is, and what can be done about it.

import { z } from "zod";
import { operation } from "./operation.ts";
import { QueueName, Timestamp } from "./primitives.ts";

export const causeCodes = [
  "WORKSPACE_SUSPENDED",
  "QUEUE_PAUSED",
  "CONCURRENCY_FULL",
  "RATE_LIMITED",
  "KEY_HELD",
  "NO_WORKER",
  "JOBS_AHEAD",
  "READY",
  "DELAYED",
  "RETRY_DELAYED",
  "PENDING_APPROVAL",
  "GUARDRAIL_BLOCKED",
  "GUARDRAIL_SCREENING",
  "RUNNING",
  "LEASE_EXPIRED",
  "ATTEMPTS_USED_UP",
  "FINAL_FAILURE",
  "REJECTED",
  "REPLAYED",
  "COMPLETED",
  "CANCELLED",
] as const;

const LastAttempt = z.object({
  attempt: z.int(),
  started_at: Timestamp,
  duration_ms: z.int(),
  status: z.int().nullable().describe("Of the handler's response; null when there was none."),
  response: z.string().nullable().describe("Beginning of the response body, at most 1,000 characters."),
  error: z.string().nullable(),
});

/** Beside the other operations on jobs; `id` is theirs. */
export const explainOf = <Id extends z.ZodString>(id: Id) =>
  operation({
    route: "GET /v1/queues/{name}/jobs/{id}/explain",
    summary: "Explain why a job waits, does not start, or failed, and what to do next.",
    description: "get_job shows the job itself.",
    synonyms: "why is job stuck waiting in queue not running does not run blocked diagnose find out reason",
    tools: { hosted: { name: "explain_job", toolset: "jobs" } },
    positionals: ["name", "id"],
    impact: "read",
    idempotent: true,
    needs: "read",
    queueKeys: true,
    input: z.strictObject({ name: QueueName, id }),
    output: z.object({
      summary: z.string(),
      state: z.string(),
      causes: z.array(
        z.object({
          code: z.enum(causeCodes),
          text: z.string(),
          until: Timestamp.nullable().describe("When it ends by itself, where that is known."),
          job_id: z.string().nullable().describe("The job it waits for."),
          job_queue: z.string().nullable().describe("The queue of that job."),
        }),
      ),
      last_attempt: LastAttempt.nullable(),
      next: z
        .array(
          z.object({
            operation: z.string().describe("e.g. `queues.resume`"),
            tool: z.string().nullable().describe("MCP tool that does it."),
            arguments: z.record(z.string(), z.unknown()),
            why: z.string(),
          }),
        )
        .describe("At most 3 things that would help, best first."),
    }),
    errors: ["QUEUE_NOT_FOUND", "JOB_NOT_FOUND"],
  });
