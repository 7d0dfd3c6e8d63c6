// Why a run is where it is, and what can be done about it.

import { z } from "zod";
import { operation } from "./operation.ts";
import { Timestamp } from "./primitives.ts";

export const runCauseCodes = [
  "WORKSPACE_SUSPENDED",
  "WORKFLOW_ARCHIVED",
  "READY",
  "RUNNING",
  "LEASE_EXPIRED",
  "SLEEPING",
  "WAITING_FOR_EVENT",
  "WAITING_FOR_SIGNAL",
  "WAITING_FOR_APPROVAL",
  "WAITING_FOR_RUN",
  "STEP_RETRY",
  "FUNCTION_RETRY",
  "APP_FAILING",
  "STEP_FAILED",
  "FUNCTION_FAILED",
  "APP_UNUSABLE",
  "SIGNAL_CONFLICT",
  "TOO_LARGE",
  "COMPLETED",
  "CANCELLED",
  "HOOK_PENDING",
] as const;

const Cause = z.object({
  code: z.enum(runCauseCodes),
  text: z.string(),
  until: Timestamp.nullable().describe("When it ends by itself: a sleep, a timeout, the next attempt."),
  step: z.string().nullable(),
  attempts: z.int().nullable(),
  event: z.string().nullable().describe("The event it waits for."),
  signal: z.string().nullable().describe("The signal it waits for."),
  run_id: z.string().nullable().describe("The run it waits for."),
});

/** Beside the other operations on runs, whose shapes these are. */
export const explainRunOf = <
  Id extends z.ZodType,
  Status extends z.ZodType,
  Problem extends z.ZodType,
  Relative extends z.ZodType,
>({
  id,
  status,
  problem,
  relative,
}: {
  id: Id;
  status: Status;
  problem: Problem;
  relative: Relative;
}) =>
  operation({
    route: "GET /v1/runs/{id}/explain",
    summary: "Explain why a run waits, hangs, or failed: the step, the error, and what to do next.",
    description: "get_run shows all steps.",
    synonyms: "why stuck waiting failed workflow run diagnose root cause",
    tools: { hosted: { name: "explain_run", toolset: "jobs" } },
    positionals: ["id"],
    impact: "read",
    idempotent: true,
    needs: "read",
    input: z.strictObject({ id }),
    output: z.object({
      summary: z.string(),
      status,
      causes: z.array(Cause).describe("The first is the most important."),
      error: problem,
      failing_step: z
        .object({ name: z.string(), attempts: z.int(), retries: z.int().nullable(), error: problem })
        .nullable()
        .describe("The step that failed last."),
      next_attempt_at: Timestamp.nullable(),
      parents: z.array(relative),
      children: z.array(relative).describe("At most 20, those that have not ended first."),
      next: z
        .array(
          z.object({
            operation: z.string().describe("e.g. `runs.rerun`"),
            tool: z.string().nullable().describe("MCP tool that does it."),
            arguments: z.record(z.string(), z.unknown()),
            why: z.string(),
          }),
        )
        .describe("At most 3 things that would help, best first."),
    }),
    errors: ["RUN_NOT_FOUND"],
  });
