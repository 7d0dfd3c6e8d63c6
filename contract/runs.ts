import { z } from "zod";
import { operation } from "./operation.ts";
import { dryRun, isOneLine, listOf, page, Timestamp } from "./primitives.ts";
import { explainRunOf } from "./run-explain.ts";

export const RunStatus = z.enum([
  "pending",
  "running",
  "sleeping",
  "waiting",
  "completed",
  "failed",
  "cancelled",
]);

export const RunId = z
  .string()
  .min(1)
  .max(64)
  .regex(/^[\w-]+$/)
  .describe("Id of the run, `run_…`.")
  .meta({ examples: ["run_0190c8a1b2c3d4e5f6a7b8c9d0e1f2a3"] });

const Problem = z
  .object({ name: z.string(), message: z.string() })
  .catchall(z.unknown())
  .nullable()
  .describe("Why it failed; for a run under way, why its last drive did.");

const Timings = z
  .object({
    queued_ms: z.int().describe("It could have gone on, and nobody had got to it yet."),
    waiting_ms: z.int().describe("For time, an event, a signal, another run, or its next attempt."),
    running_ms: z.int().describe("In the app."),
  })
  .describe("How long so far.");

export const Run = z.object({
  id: z.string(),
  workflow: z.string(),
  version_number: z.int().describe("Of the workflow when the run began."),
  status: RunStatus,
  attempt: z.int(),
  event: z.object({ id: z.string().nullable(), name: z.string(), ts: Timestamp }),
  error: Problem,
  parent: z.string().nullable().describe("The run that invoked this one."),
  replay_of: z.string().nullable(),
  due_at: Timestamp.nullable().describe("When time alone will move it on."),
  timings: Timings,
  created_at: Timestamp,
  started_at: Timestamp.nullable(),
  ended_at: Timestamp.nullable(),
});
export type Run = z.infer<typeof Run>;

export const Step = z.object({
  id: z.string().describe("Key of the step: its id and occurrence, hashed."),
  name: z.string(),
  kind: z.string(),
  status: z.enum(["completed", "failed", "retrying", "waiting", "sleeping"]),
  attempts: z.int(),
  output: z.unknown(),
  error: Problem,
  started_at: Timestamp,
  ended_at: Timestamp.nullable(),
  duration_ms: z.int().nullable().describe("Of its last attempt."),
  timings: Timings,
  due_at: Timestamp.nullable().describe("End of its sleep, retry or timeout."),
  child: z.string().nullable().describe("The run it invoked."),
  event: z.string().nullable().describe("The event it waits for."),
  signal: z.string().nullable().describe("The signal it waits for."),
  approval: z.object({ prompt: z.string().optional() }).nullable().describe("A person must decide."),
});

const Relative = z.object({ id: z.string(), workflow: z.string(), status: RunStatus });

const RunDetail = Run.extend({
  input: z.unknown(),
  output: z.unknown(),
  steps: z.array(Step),
  parents: z.array(Relative).describe("The run that invoked this one, the one that invoked that, and so on."),
  children: z.array(Relative).describe("The runs it invoked, at most 1,000."),
  versions: z.array(z.int()).describe("Versions of the workflow that it was driven by, in order."),
  unasked_steps: z
    .array(z.string())
    .describe("Steps with a result that the code did not ask for any more: it has changed."),
  hookErrors: z.array(z.object({ hook: z.string(), error: z.unknown(), at: Timestamp })),
  triggered_by: z.record(z.string(), z.unknown()),
});

const id = { id: RunId };
const when = {
  from: Timestamp.optional().describe("Created at or after."),
  to: Timestamp.optional().describe("Created before."),
};

export const runs = {
  list: operation({
    route: "GET /v1/runs",
    summary: "List workflow runs, newest first, by workflow, status, time, event or text.",
    synonyms: "which workflow runs failed recently today history",
    tools: { hosted: { name: "list_runs", toolset: "default" } },
    impact: "read",
    idempotent: true,
    needs: "read",
    input: z.strictObject({
      ...page,
      workflow: z.string().max(128).optional().describe("Only runs of this workflow."),
      status: RunStatus.optional().describe("Only runs with this status."),
      ...when,
      event: z.string().max(128).optional().describe("Id or name of the event that started them."),
      text: z
        .string()
        .min(1)
        .max(128)
        .refine(isOneLine, "must be one line")
        .optional()
        .describe("Found in id or error. A page looks at 20,000 runs and may hold fewer than limit."),
    }),
    output: listOf(Run),
    errors: ["INVALID_INPUT"],
  }),

  get: operation({
    route: "GET /v1/runs/{id}",
    summary: "Get one run: status, input, output, error, and every step.",
    description: "For why it failed or waits use explain_run.",
    synonyms: "what did run return output status steps show",
    tools: { hosted: { name: "get_run", toolset: "default", always: true } },
    positionals: ["id"],
    impact: "read",
    idempotent: true,
    needs: "read",
    input: z.strictObject(id),
    output: RunDetail,
    errors: ["RUN_NOT_FOUND"],
  }),

  explain: explainRunOf({ id: RunId, status: RunStatus, problem: Problem, relative: Relative }),

  cancel: operation({
    route: "POST /v1/runs/{id}/cancel",
    summary: "Cancel a workflow run and those it invoked.",
    description:
      "Steps under way finish, later ones are skipped. An ended run stays as it is, with already_ended: true. For a job use cancel_job.",
    synonyms: "stop abort kill workflow run any more",
    tools: { hosted: { name: "cancel_run", toolset: "default" } },
    positionals: ["id"],
    impact: "destroy",
    idempotent: true,
    needs: "develop",
    input: z.strictObject({ ...id, dry_run: dryRun }),
    output: Run.extend({ already_ended: z.boolean(), cancelled_children: z.int() }),
    errors: ["RUN_NOT_FOUND"],
  }),

  cancelMany: operation({
    route: "POST /v1/runs/cancel",
    summary: "Cancel the runs that fit a filter, at most 1,000 at once.",
    description: "dry_run: true only counts them. Repeat while `more` is true.",
    tools: {},
    impact: "destroy",
    idempotent: true,
    needs: "develop",
    input: z.strictObject({
      workflow: z.string().max(128).optional().describe("Only runs of this workflow."),
      status: z.enum(["pending", "running", "sleeping", "waiting"]).optional().describe("Only these."),
      ...when,
      ids: z.array(RunId).max(1000).optional().describe("Only these runs."),
      dry_run: dryRun,
    }),
    output: z.object({ cancelled: z.int(), more: z.boolean() }),
    errors: ["INVALID_INPUT"],
  }),

  replay: operation({
    route: "POST /v1/runs/{id}/replay",
    summary: "Start a new run of the same workflow with the same input.",
    tools: { hosted: { name: "replay_run", toolset: "jobs" } },
    positionals: ["id"],
    impact: "write",
    idempotent: false,
    needs: "develop",
    creates: true,
    input: z.strictObject(id),
    output: Run,
    errors: ["RUN_NOT_FOUND", "WORKFLOW_NOT_FOUND"],
  }),

  rerun: operation({
    route: "POST /v1/runs/{id}/rerun",
    summary: "Start a new run that keeps the results of the steps before one, and goes on from there.",
    tools: { hosted: { name: "rerun_run", toolset: "jobs" } },
    positionals: ["id", "from_step"],
    impact: "write",
    idempotent: false,
    needs: "develop",
    creates: true,
    input: z.strictObject({
      ...id,
      from_step: z
        .string()
        .min(1)
        .max(256)
        .describe("Name or id of the first step to execute again.")
        .meta({ examples: ["send-welcome"] }),
      data: z.unknown().optional().describe("Input of the new run; default: that of the old one."),
    }),
    output: Run,
    errors: ["INVALID_INPUT", "RUN_NOT_FOUND", "STEP_NOT_FOUND", "WORKFLOW_NOT_FOUND"],
  }),

  approve: operation({
    route: "POST /v1/runs/{id}/approve",
    summary: "Approve or reject what a run waits for a person to decide; for a queue's job, approve_job.",
    description: "Only declared approvals; other signals are refused. Needs a key that may approve.",
    synonyms: "decide pending approval run yes no",
    tools: { hosted: { name: "approve_run", toolset: "default" } },
    positionals: ["id"],
    impact: "write",
    idempotent: false,
    needs: "approve",
    human: true,
    audit: "run.decided",
    input: z.strictObject({
      ...id,
      approved: z.boolean().default(true).describe("False to reject."),
      reason: z.string().max(1000).optional().describe("Why; kept with the run and the audit log."),
      signal: z.string().max(256).optional().describe("Which approval, when the run waits for several."),
    }),
    output: z.object({
      run_id: z.string(),
      signal: z.string(),
      approved: z.boolean(),
      decided_by: z.string(),
    }),
    errors: ["RUN_NOT_FOUND", "NO_PENDING_APPROVAL", "INVALID_INPUT"],
  }),
};
