import { z } from "zod";
import { EventName } from "./functions.ts";
import { operation } from "./operation.ts";
import { isOneLine, listOf, page, Timestamp } from "./primitives.ts";

const EventId = z
  .string()
  .min(1)
  .max(256)
  .refine((text) => isOneLine(text) && !text.includes("/"), "must be one line without slashes")
  .describe("Id of the event: your own, or `evt_…`.")
  .meta({ examples: ["evt_42"] });

const sent = {
  data: z
    .unknown()
    .optional()
    .describe("Any JSON up to 512 KB.")
    .meta({ examples: [{ userId: "u_123" }] }),
  id: EventId.optional().describe("A second event with it is the first one again."),
  idempotencyKey: EventId.optional().describe("Another way to say the same: the id follows from it."),
  ts: z
    .int()
    .min(0)
    .max(8_640_000_000_000_000)
    .optional()
    .describe("Milliseconds since 1970; in the future the event is published then."),
};

export const SentEvent = z.object({
  id: z.string(),
  name: z.string(),
  duplicate: z.boolean(),
  runIds: z.array(z.string()).describe("Runs it started."),
});

export const Event = z.object({
  id: z.string(),
  name: z.string(),
  ts: Timestamp,
  published_at: Timestamp.nullable().describe("Null while its time has not come."),
  source_run: z.string().nullable().describe("The run that sent it."),
  created_at: Timestamp,
});

export const events = {
  send: operation({
    route: "POST /v1/events",
    summary: "Send one event, or up to 1,000: they start workflows and wake the runs that wait.",
    synonyms: "publish emit",
    tools: { hosted: { name: "send_event", toolset: "jobs" } },
    positionals: ["name", "data"],
    impact: "write",
    idempotent: false,
    needs: "develop",
    creates: true,
    listBody: "events",
    limits: { bodyBytes: 16 * 1024 * 1024, fields: 1_000_000 },
    input: z.strictObject({
      name: EventName.optional(),
      ...sent,
      events: z
        .array(z.strictObject({ name: EventName, ...sent }))
        .min(1)
        .max(1000)
        .optional()
        .describe("Several at once, instead of the fields above."),
    }),
    output: z.object({
      id: z.string().describe("Of the first event."),
      duplicate: z.boolean(),
      events: z.array(SentEvent),
    }),
    errors: ["INVALID_INPUT", "QUOTA_EXCEEDED", "PAYLOAD_TOO_LARGE"],
  }),

  list: operation({
    route: "GET /v1/events",
    summary: "List events, newest first.",
    tools: {},
    impact: "read",
    idempotent: true,
    needs: "read",
    input: z.strictObject({
      ...page,
      name: z.string().max(128).optional().describe("Only events with this name."),
    }),
    output: listOf(Event),
    errors: ["INVALID_INPUT"],
  }),

  get: operation({
    route: "GET /v1/events/{id}",
    summary: "Get one event with its data and the runs it started.",
    tools: {},
    positionals: ["id"],
    impact: "read",
    idempotent: true,
    needs: "read",
    input: z.strictObject({ id: EventId }),
    output: Event.extend({
      data: z.unknown(),
      runs: z.array(z.object({ id: z.string(), workflow: z.string(), status: z.string() })),
      sent_by: z.record(z.string(), z.unknown()),
    }),
    errors: ["EVENT_NOT_FOUND"],
  }),
};
