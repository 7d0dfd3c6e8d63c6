import { z } from "zod";
import { Timestamp } from "./primitives.ts";

const callbackStatuses = ["pending", "2xx", "3xx", "4xx", "5xx", "timeout", "unreachable"] as const;
export type CallbackStatus = (typeof callbackStatuses)[number];

export const ScheduleRun = z.object({
  id: z.string(),
  scheduled_for: Timestamp.describe("When the tick was due."),
  fired_at: Timestamp.describe("When it was handled."),
  manual: z.boolean().describe("True for a fire by hand."),
  status: z
    .enum(["fired", "skipped", "failed"])
    .describe("Did it make a job or run? Skipped was wanted so, failed was not."),
  reason: z
    .string()
    .nullable()
    .describe(
      "`overlap`, `missed`, `quota_exceeded`, `workspace_suspended`, `queue_deleted`, `workflow_archived`.",
    ),
  missed_from: Timestamp.nullable().describe("This entry stands for every tick from then on."),
  job_id: z.string().nullable(),
  run_id: z.string().nullable().describe("The workflow's run."),
  state: z.string().nullable().describe("Of the job or run now; null when there is none any more."),
  callback_status: z
    .enum(callbackStatuses)
    .nullable()
    .describe("How the last delivery of its job went; null where nothing is delivered."),
  error: z.string().nullable(),
});

export const Fired = z.object({
  id: z.string().describe("Id in the run history."),
  jobId: z.string().nullable(),
  runId: z.string().nullable().describe("The workflow's run."),
});

export const Preview = z.object({
  schedule: z.string(),
  timezone: z.string(),
  enabled: z.boolean().describe("False: it is paused, and these are what would come if it were resumed now."),
  ticks: z.array(
    z.object({
      scheduled_for: Timestamp,
      local: z.string().describe("On the clocks of its time zone, with their offset."),
      fires_at: Timestamp.describe("With its jitter."),
    }),
  ),
});
