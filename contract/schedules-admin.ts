import { z } from "zod";
import { operation } from "./operation.ts";
import { dryRun, listOf, page } from "./primitives.ts";
import { Listed, ScheduleHandle } from "./schedule-fields.ts";
import { Fired } from "./schedule-runs.ts";

/** The operator's own, outside any workspace. */
export const adminSchedules = {
  listSchedules: operation({
    route: "GET /admin/workspaces/{id}/schedules",
    summary: "List any workspace's schedules, and say which of them do not fire as their rule has it.",
    tools: { admin: "rotor_get_workspace_schedules" },
    positionals: ["id"],
    impact: "read",
    idempotent: true,
    needs: "operate",
    input: z.strictObject({
      id: z
        .string()
        .max(64)
        .describe("Id of the workspace.")
        .meta({ examples: ["ws_default"] }),
      ...page,
    }),
    output: listOf(
      Listed.extend({
        drift: z
          .boolean()
          .describe("True when its next tick is overdue by a minute, or is not the one its rule names."),
      }),
    ),
    errors: ["INVALID_INPUT", "WORKSPACE_NOT_FOUND"],
  }),

  fireSchedule: operation({
    route: "POST /admin/schedules/{id}/fire",
    summary: "Fire any workspace's schedule now, once, beside its rule; its next tick stays as it was.",
    tools: { admin: "rotor_fire_schedule_now" },
    positionals: ["id"],
    impact: "destroy",
    idempotent: false,
    needs: "operate",
    audit: "schedule.fired",
    input: z.strictObject({
      id: ScheduleHandle.describe("The schedule's external_id.").meta({
        examples: ["sched_0190c8a1b2c3d4e5f6a7b8c9d0e1f2a3"],
      }),
      dry_run: dryRun,
    }),
    output: Fired.partial().extend({ fired: z.boolean() }),
    errors: ["SCHEDULE_NOT_FOUND", "QUEUE_NOT_FOUND", "WORKFLOW_NOT_FOUND", "QUOTA_EXCEEDED"],
  }),
};
