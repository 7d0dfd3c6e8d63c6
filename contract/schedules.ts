import { z } from "zod";
import { WorkflowId } from "./functions.ts";
import { operation } from "./operation.ts";
import { dryRun, listOf, page, QueueName, Timestamp } from "./primitives.ts";
import {
  CronText,
  Listed,
  Schedule,
  ScheduleHandle,
  ScheduleName,
  settings,
  ZoneName,
} from "./schedule-fields.ts";
import { Fired, Preview, ScheduleRun } from "./schedule-runs.ts";

const id = { id: ScheduleHandle };
const { queue: _, ...others } = settings;
const limits = { bodyBytes: 576 * 1024, fields: 10_000 };

export const schedules = {
  list: operation({
    route: "GET /v1/schedules",
    summary: "List the workspace's schedules (cron) by name, with when each fires next.",
    synonyms: "cron jobs recurring which schedules next fire",
    tools: {
      hosted: { name: "list_schedules", toolset: "schedules" },
      stdio: "rotor_list_schedules",
    },
    impact: "read",
    idempotent: true,
    needs: "read",
    input: z.strictObject({
      ...page,
      queue: QueueName.optional().describe("Only those of this queue."),
      workflow: WorkflowId.optional().describe("Only those of this workflow."),
    }),
    output: listOf(Listed),
    errors: ["INVALID_INPUT"],
  }),

  create: operation({
    route: "POST /v1/schedules",
    summary: "Create a cron schedule that makes jobs for a queue, or runs of a workflow.",
    description: "Needs queue or workflow. Without a name it gets one. Fails when the name is taken.",
    synonyms: "cron recurring periodic timer every day hourly nightly",
    tools: { stdio: "rotor_create_schedule" },
    impact: "write",
    idempotent: false,
    needs: "develop",
    creates: true,
    audit: "schedule.created",
    limits,
    input: z.strictObject({
      queue: settings.queue.meta({ examples: ["welcome-emails"] }),
      cron: CronText,
      timezone: ZoneName,
      name: ScheduleName.optional(),
      ...others,
    }),
    output: Schedule,
    errors: [
      ...(["INVALID_INPUT", "QUEUE_NOT_FOUND", "WORKFLOW_NOT_FOUND"] as const),
      ...(["SCHEDULE_EXISTS", "PAYLOAD_TOO_LARGE"] as const),
    ],
  }),

  upsert: operation({
    route: "PUT /v1/schedules/{name}",
    summary: "Create a cron schedule, or change it if one of this name exists.",
    description:
      "A new one needs cron, timezone, and queue or workflow. Fields that are not passed keep their value. enabled: false pauses.",
    synonyms: "cron recurring every each day weekday hourly nightly time update fires send",
    tools: { hosted: { name: "upsert_schedule", toolset: "default" } },
    positionals: ["name"],
    impact: "write",
    idempotent: true,
    needs: "develop",
    creates: true,
    audit: "schedule.saved",
    limits,
    input: z.strictObject({
      name: ScheduleHandle,
      cron: CronText.optional().meta({ examples: ["0 9 * * 1-5"] }),
      timezone: ZoneName.optional().meta({ examples: ["Asia/Tokyo"] }),
      queue: settings.queue.meta({ examples: ["welcome-emails"] }),
      ...others,
    }),
    output: Schedule.extend({ created: z.boolean() }),
    errors: [
      ...(["INVALID_INPUT", "QUEUE_NOT_FOUND", "WORKFLOW_NOT_FOUND"] as const),
      ...(["SCHEDULE_NOT_FOUND", "SCHEDULE_REGISTERED", "PAYLOAD_TOO_LARGE"] as const),
    ],
  }),

  get: operation({
    route: "GET /v1/schedules/{id}",
    summary: "Get one schedule: its rule, payload, next and last fire.",
    synonyms: "one schedule details rule cron",
    tools: {
      hosted: { name: "get_schedule", toolset: "schedules" },
      stdio: "rotor_get_schedule",
    },
    positionals: ["id"],
    impact: "read",
    idempotent: true,
    needs: "read",
    input: z.strictObject(id),
    output: Schedule,
    errors: ["SCHEDULE_NOT_FOUND"],
  }),

  update: operation({
    route: "PATCH /v1/schedules/{id}",
    summary: "Change some fields of a schedule; the others keep their value.",
    description: "enabled: false pauses, true resumes. A changed rule counts from now on.",
    tools: { stdio: "rotor_update_schedule" },
    positionals: ["id"],
    impact: "write",
    idempotent: false,
    needs: "develop",
    audit: "schedule.updated",
    limits,
    input: z.strictObject({
      ...id,
      name: ScheduleName.optional(),
      cron: CronText.optional().meta({ examples: ["0 3 * * *"] }),
      timezone: ZoneName.optional(),
      ...settings,
    }),
    output: Schedule,
    errors: [
      ...(["INVALID_INPUT", "SCHEDULE_NOT_FOUND", "QUEUE_NOT_FOUND", "WORKFLOW_NOT_FOUND"] as const),
      ...(["SCHEDULE_EXISTS", "SCHEDULE_REGISTERED", "PAYLOAD_TOO_LARGE"] as const),
    ],
  }),

  delete: operation({
    route: "DELETE /v1/schedules/{id}",
    summary: "Delete a schedule for good; it stops at once.",
    description:
      "Jobs it has made go on, and its history is kept as long as jobs are. To stop it for a while, pause it.",
    synonyms: "remove cron schedule for good",
    tools: {
      hosted: { name: "delete_schedule", toolset: "schedules" },
      stdio: "rotor_delete_schedule",
    },
    positionals: ["id"],
    impact: "destroy",
    idempotent: false,
    needs: "develop",
    audit: "schedule.deleted",
    input: z.strictObject({ ...id, dry_run: dryRun }),
    output: z.object({ deleted: z.boolean(), name: z.string(), next_fire_at: Timestamp.nullable() }),
    errors: ["SCHEDULE_NOT_FOUND", "SCHEDULE_REGISTERED"],
  }),

  pause: operation({
    route: "PATCH /v1/schedules/{id}/pause",
    summary: "Pause a schedule: nothing fires until it is resumed, and that time is never caught up.",
    synonyms: "stop hold cron schedule vacation",
    tools: { hosted: { name: "pause_schedule", toolset: "schedules" } },
    positionals: ["id"],
    impact: "write",
    idempotent: true,
    needs: "develop",
    audit: "schedule.paused",
    input: z.strictObject(id),
    output: Schedule,
    errors: ["SCHEDULE_NOT_FOUND"],
  }),

  resume: operation({
    route: "PATCH /v1/schedules/{id}/resume",
    summary: "Resume a paused schedule; it fires at the next time of its rule.",
    synonyms: "unpause restart cron schedule",
    tools: { hosted: { name: "resume_schedule", toolset: "schedules" } },
    positionals: ["id"],
    impact: "write",
    idempotent: true,
    needs: "develop",
    audit: "schedule.resumed",
    input: z.strictObject(id),
    output: Schedule,
    errors: ["SCHEDULE_NOT_FOUND"],
  }),

  fireNow: operation({
    route: "POST /v1/schedules/{id}/fire-now",
    summary: "Fire a schedule now, once, beside its rule; its next tick stays as it was.",
    description: "Makes the job or run that a tick would make, even while it is paused.",
    synonyms: "trigger run test schedule manually now once",
    tools: {
      hosted: { name: "fire_schedule", toolset: "schedules" },
      stdio: "rotor_force_fire_schedule",
    },
    positionals: ["id"],
    impact: "write",
    idempotent: false,
    needs: "develop",
    creates: true,
    audit: "schedule.fired",
    input: z.strictObject(id),
    output: Fired,
    errors: ["SCHEDULE_NOT_FOUND", "QUEUE_NOT_FOUND", "WORKFLOW_NOT_FOUND", "QUOTA_EXCEEDED"],
  }),

  runs: operation({
    route: "GET /v1/schedules/{id}/runs",
    summary: "List what each tick of a schedule came to, newest first.",
    description:
      "With its job or run, and how the callback went. By external_id also for a schedule that was deleted.",
    synonyms: "history ticks of a schedule missed fired skipped",
    tools: {
      hosted: { name: "list_schedule_runs", toolset: "schedules" },
      stdio: "rotor_inspect_run_history",
    },
    positionals: ["id"],
    impact: "read",
    idempotent: true,
    needs: "read",
    input: z.strictObject({ ...id, ...page }),
    output: z.object({
      runs: z.array(ScheduleRun),
      nextCursor: z.string().nullable().describe("Pass as `cursor` for the next page; null on the last one."),
    }),
    errors: ["INVALID_INPUT", "SCHEDULE_NOT_FOUND"],
  }),

  next: operation({
    route: "GET /v1/schedules/{id}/next",
    summary: "Preview when a schedule will fire next, across changes of the clocks.",
    synonyms: "when does it fire next times upcoming dates",
    tools: { hosted: { name: "preview_schedule", toolset: "schedules" } },
    positionals: ["id"],
    impact: "read",
    idempotent: true,
    needs: "read",
    input: z.strictObject({ ...id, count: z.int().min(1).max(100).default(5).describe("How many ticks.") }),
    output: Preview,
    errors: ["INVALID_INPUT", "SCHEDULE_NOT_FOUND"],
  }),
};
