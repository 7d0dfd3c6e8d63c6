import { z } from "zod";
import { operation } from "./operation.ts";
import { dryRun, isOneLine, listOf, page, Timestamp } from "./primitives.ts";
import { RunStatus } from "./runs.ts";

export const WorkflowId = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/)
  .describe("Id of the workflow, unique in the workspace.")
  .meta({ examples: ["welcome"] });

/** A workflow's id, or the name of an event that triggers workflows. */
const Target = z
  .string()
  .regex(/^[A-Za-z0-9._/-]{1,128}$/)
  .describe("A workflow's id, or else the name of an event that triggers workflows.")
  .meta({ examples: ["welcome"] });

const AnyEventName = z.string().regex(/^[A-Za-z0-9._/-]{1,128}$/);

export const EventName = AnyEventName.describe("Name of the event: letters, digits, `. _ / -`.").meta({
  examples: ["user.created"],
});

const ServeUrl = z
  .url({ protocol: /^https?$/ })
  .max(2048)
  .refine(isOneLine, "must not contain line breaks or control characters")
  .describe("Where your app serves its workflows.")
  .meta({ examples: ["https://app.example.com/rotor"] });

const HookName = z.enum(["onSuccess", "onFailure", "onCancel"]);

export const Workflow = z.object({
  id: z.string(),
  name: z.string(),
  serve_url: z.string(),
  trigger_type: z.enum(["event", "cron"]),
  trigger_event: z.string().nullable(),
  trigger_filter: z.string().nullable(),
  trigger_cron: z.string().nullable(),
  trigger_timezone: z.string().nullable(),
  retries: z.int().describe("Attempts after the first, of each step and of the function."),
  hooks: z.array(HookName),
  content_hash: z.string().nullable().describe("Of the code, as the app says."),
  version: z.string().describe("Hash of what was registered."),
  version_number: z.int(),
  created_at: Timestamp,
  updated_at: Timestamp,
});
export type Workflow = z.infer<typeof Workflow>;

const id = { id: WorkflowId };

const started = {
  runIds: z.array(z.string()),
  run_id: z.string().nullable().describe("The first of runIds; null when nothing was triggered."),
  duplicate: z.boolean().describe("True when this idempotency key started these runs before."),
};

const trigger = {
  id: Target,
  data: z
    .unknown()
    .optional()
    .describe("What the function gets as event.data, any JSON up to 512 KB.")
    .meta({ examples: [{ userId: "u_123" }] }),
  idempotencyKey: z
    .string()
    .min(1)
    .max(256)
    .refine(isOneLine, "must be one line without control characters")
    .optional()
    .describe("A second call with it answers with the first one's runs, for ever."),
};

export const functions = {
  list: operation({
    route: "GET /v1/functions",
    summary: "List the registered workflows (functions) with their triggers.",
    synonyms: "which what workflows functions have registered",
    tools: { hosted: { name: "list_workflows", toolset: "default", always: true } },
    impact: "read",
    idempotent: true,
    needs: "read",
    input: z.strictObject(page),
    output: listOf(Workflow),
    errors: ["INVALID_INPUT"],
  }),

  register: operation({
    route: "POST /v1/functions",
    summary: "Register a workflow, or change the registration of one with this id.",
    description: "Apps that use the SDK register themselves.",
    tools: {},
    positionals: ["id"],
    impact: "write",
    idempotent: true,
    needs: "develop",
    creates: true,
    audit: "workflow.registered",
    input: z.strictObject({
      ...id,
      name: z
        .string()
        .min(1)
        .max(128)
        .refine(isOneLine, "must be one line")
        .optional()
        .describe("For people."),
      serve_url: ServeUrl,
      trigger_type: z.enum(["event", "cron"]).optional().describe("Follows from the other fields."),
      trigger_event: AnyEventName.optional().describe("Event that starts a run."),
      trigger_filter: z
        .string()
        .min(1)
        .max(2000)
        .optional()
        .describe('Only events for which this is true, e.g. `data.plan == "pro"`.'),
      trigger_cron: z.string().min(1).max(128).optional().describe("Five or six fields."),
      trigger_timezone: z.string().min(1).max(64).optional().describe("Required with trigger_cron."),
      retries: z
        .int()
        .min(0)
        .max(100)
        .default(3)
        .describe("Attempts after the first.")
        .meta({ examples: [5] }),
      hooks: z.array(HookName).max(3).default([]).describe("Which ends of a run the app wants to be told."),
      content_hash: z
        .string()
        .regex(/^[\w.:+/=-]{1,128}$/)
        .optional()
        .describe("Of the code; another one makes a new version."),
    }),
    output: Workflow.extend({ created: z.boolean() }),
    errors: ["INVALID_INPUT"],
  }),

  get: operation({
    route: "GET /v1/functions/{id}",
    summary: "Get one workflow: its trigger, serve URL and version.",
    tools: {},
    positionals: ["id"],
    impact: "read",
    idempotent: true,
    needs: "read",
    input: z.strictObject(id),
    output: Workflow,
    errors: ["WORKFLOW_NOT_FOUND"],
  }),

  versions: operation({
    route: "GET /v1/functions/{id}/versions",
    summary: "List what a workflow was registered as, newest version first.",
    tools: {},
    positionals: ["id"],
    impact: "read",
    idempotent: true,
    needs: "read",
    input: z.strictObject({ ...id, ...page }),
    output: listOf(Workflow.omit({ id: true, updated_at: true })),
    errors: ["WORKFLOW_NOT_FOUND", "INVALID_INPUT"],
  }),

  archive: operation({
    route: "DELETE /v1/functions/{id}",
    summary: "Archive a workflow: nothing triggers it any more; its runs stay, and those under way fail.",
    description: "Registering it again brings it back.",
    tools: {},
    positionals: ["id"],
    aliases: ["delete"],
    impact: "destroy",
    idempotent: false,
    needs: "develop",
    audit: "workflow.archived",
    input: z.strictObject({ ...id, dry_run: dryRun }),
    output: z.object({ deleted: z.boolean() }),
    errors: ["WORKFLOW_NOT_FOUND"],
  }),

  trigger: operation({
    route: "POST /v1/functions/{id}/trigger",
    summary: "Start a run of a workflow and do not wait for it (fire and forget).",
    description:
      "Answers once the run is stored for good. For its result use get_run, or invoke_workflow instead.",
    startsRun: true,
    synonyms: "trigger start launch kick off fire background return immediately without waiting",
    tools: { hosted: { name: "trigger_workflow", toolset: "default", always: true } },
    positionals: ["id", "data"],
    impact: "write",
    idempotent: false,
    needs: "develop",
    creates: true,
    limits: { bodyBytes: 576 * 1024, fields: 100_000 },
    input: z.strictObject(trigger),
    output: z.object(started),
    errors: ["INVALID_INPUT", "WORKFLOW_NOT_FOUND", "QUOTA_EXCEEDED", "PAYLOAD_TOO_LARGE"],
  }),

  invoke: operation({
    route: "POST /v1/functions/{id}/invoke",
    summary: "Start a run of a workflow and wait for its result, at most 50 seconds.",
    description:
      "When time is over it answers with the status so far, and the run goes on; `next` says what to call. Not to wait, use trigger_workflow.",
    startsRun: true,
    synonyms: "run execute workflow synchronously wait for result output answer returns",
    tools: { hosted: { name: "invoke_workflow", toolset: "default" } },
    positionals: ["id", "data"],
    impact: "write",
    idempotent: false,
    needs: "develop",
    limits: { bodyBytes: 576 * 1024, fields: 100_000 },
    input: z.strictObject({
      ...trigger,
      wait_seconds: z.number().min(0).max(50).default(25).describe("How long to wait for the end."),
    }),
    output: z.object({
      ...started,
      status: RunStatus.nullable(),
      output: z.unknown(),
      error: z.unknown(),
      next: z.string().nullable().describe("What to call when the run has not ended yet."),
    }),
    errors: ["INVALID_INPUT", "WORKFLOW_NOT_FOUND", "QUOTA_EXCEEDED", "PAYLOAD_TOO_LARGE"],
  }),
};
