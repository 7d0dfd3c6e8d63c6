// What schedules are made of.

import { z } from "zod";
import { WorkflowId } from "./functions.ts";
import { isOneLine, QueueName, Timestamp } from "./primitives.ts";

const longestName = 128;

export const ScheduleName = z
  .string()
  .min(1)
  .max(longestName)
  .refine((name) => isOneLine(name) && !name.includes("/"), "must be one line without slashes")
  .refine((name) => !/^(sched_|workflow:)/.test(name), "must not begin with sched_ or workflow:")
  .describe("Name of the schedule, unique in the workspace.")
  .meta({ examples: ["nightly-enrichment"] });

/** Either finds a schedule. */
export const ScheduleHandle = z
  .string()
  .min(1)
  .max(longestName + "workflow:".length)
  .refine((name) => isOneLine(name) && !name.includes("/"), "must be one line without slashes")
  .describe("The schedule's external_id, `sched_…`, or its name.")
  .meta({ examples: ["nightly-enrichment"] });

export const CronText = z
  .string()
  .min(1)
  .max(256)
  .describe("5 fields, 6 with seconds in front, or a nickname such as @daily.")
  .meta({ examples: ["0 9 * * 1-5"] });

export const ZoneName = z
  .string()
  .min(1)
  .max(64)
  .describe("IANA time zone in which cron is read, e.g. Asia/Tokyo; no offsets.")
  .meta({ examples: ["Asia/Tokyo"] });

const choices = {
  dst_gap: z.enum(["run", "skip"]).describe("A time the clocks jump over: run it once, later, or skip it."),
  dst_overlap: z
    .enum(["once", "twice"])
    .describe("A time that comes twice when the clocks go back; once, unless cron names every hour."),
  catch_up: z
    .enum(["skip", "last", "all"])
    .describe("Ticks missed while the server was down: none, the last one, or all (newest 100)."),
  overlap: z.enum(["allow", "skip"]).describe("skip: no tick while the last job or run is not finished."),
  jitter_seconds: z
    .int()
    .min(0)
    .max(3600)
    .describe("Spreads schedules: each fires its own share of this later."),
};

export const Listed = z.object({
  id: z.string().describe("The same as external_id."),
  external_id: z.string().meta({ aliasOf: "id" }),
  name: z.string(),
  queue: z.string().nullable().describe("Where its jobs go; null when it starts runs of a workflow."),
  queue_name: z.string().nullable().meta({ aliasOf: "queue" }),
  workflow: z.string().nullable().describe("The workflow it starts; null when it makes jobs."),
  registered: z.boolean().describe("True when it came with a workflow's registration."),
  cron: z.string(),
  timezone: z.string(),
  enabled: z.boolean(),
  status: z.enum(["active", "paused", "ended"]).describe("`ended`: no tick will ever come."),
  ...choices,
  start_at: Timestamp.nullable(),
  end_at: Timestamp.nullable(),
  next_fire_at: Timestamp.nullable(),
  next_fire_local: z.string().nullable().describe("The same, on the clocks of its time zone."),
  last_fired_at: Timestamp.nullable(),
  created_at: Timestamp,
  updated_at: Timestamp,
});

export const Schedule = Listed.extend({
  payload: z.unknown().describe("What each job or run gets."),
  job_data: z.unknown().meta({ aliasOf: "payload" }),
});
export type Schedule = z.infer<typeof Schedule>;

export const settings = {
  queue: QueueName.optional().describe("Queue that gets a job at each tick."),
  queue_name: QueueName.optional().describe("Another name for queue.").meta({ aliasOf: "queue" }),
  workflow: WorkflowId.optional().describe("Instead of a queue: the workflow to start at each tick."),
  payload: z
    .unknown()
    .optional()
    .describe("What each job or run gets, any JSON up to 512 KB.")
    .meta({ examples: [{ source: "clearbit" }] }),
  job_data: z.unknown().optional().describe("Another name for payload.").meta({ aliasOf: "payload" }),
  enabled: z.boolean().optional().describe("False pauses it."),
  dst_gap: choices.dst_gap.optional(),
  dst_overlap: choices.dst_overlap
    .nullable()
    .optional()
    .describe("A time that comes twice; null: once, but always where cron names every hour."),
  catch_up: choices.catch_up.optional(),
  overlap: choices.overlap.optional(),
  start_at: Timestamp.nullable().optional().describe("No tick before."),
  end_at: Timestamp.nullable().optional().describe("No tick after."),
  jitter_seconds: choices.jitter_seconds.optional(),
};
