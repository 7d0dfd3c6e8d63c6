import { z } from "zod";
import { operation } from "./operation.ts";
import { listOf, page, SearchText, Timestamp } from "./primitives.ts";

export const Surface = z.enum(["rest", "mcp", "cli", "sdk", "dashboard", "system"]);
export type Surface = z.infer<typeof Surface>;

export const AuditEvent = z.object({
  id: z.string(),
  workspace_id: z.string(),
  seq: z.int().describe("Position in the workspace's chain, from 1 without gaps."),
  event_type: z.string(),
  actor_id: z.string().describe("Id of the API key, `operator`, or `system`."),
  actor_role: z.string().nullable(),
  resource_id: z.string().nullable(),
  metadata: z.record(z.string(), z.unknown()).describe("Before and after, with secrets masked."),
  surface: Surface,
  client: z.string().nullable().describe("Name and version of the calling program."),
  request_id: z.string().nullable(),
  trace_id: z.string().nullable(),
  ip_address: z.string().nullable(),
  user_agent: z.string().nullable(),
  occurred_at: Timestamp,
  hash: z.string().describe("SHA-256 over the previous hash and this event."),
});
export type AuditEvent = z.infer<typeof AuditEvent>;

export const audit = {
  list: operation({
    route: "GET /v1/audit",
    summary: "List what was changed, refused and decided in the workspace, newest first.",
    synonyms: "audit log trail who changed what last week history yesterday",
    tools: { hosted: { name: "list_audit_events", toolset: "workspace" } },
    impact: "read",
    idempotent: true,
    needs: "read",
    csv: true,
    input: z.strictObject({
      ...page,
      event_type: SearchText.max(128)
        .optional()
        .describe("Exact type, or a prefix that ends in a dot, e.g. `queue.`.")
        .meta({ examples: ["queue."] }),
      actor_id: SearchText.max(128).optional().describe("Only what this API key, or `operator`, did."),
      resource_id: SearchText.optional().describe("Only what was done to this thing."),
      surface: Surface.optional().describe("Only what came in this way."),
      from: Timestamp.optional().describe("Not before this UTC time, e.g. 2026-01-31T09:00:00Z."),
      to: Timestamp.optional().describe("Before this UTC time."),
    }),
    output: listOf(AuditEvent),
    errors: ["INVALID_INPUT"],
  }),

  verify: operation({
    route: "GET /v1/audit/verify",
    summary: "Check that no event of the audit chain was altered or removed.",
    synonyms: "integrity tampered altered audit chain check",
    tools: { hosted: { name: "verify_audit", toolset: "workspace" } },
    impact: "read",
    idempotent: true,
    needs: "read",
    input: z.strictObject({}),
    output: z.object({
      valid: z.boolean(),
      checked: z.int(),
      last_seq: z.int(),
      last_hash: z.string().describe("Keep it elsewhere: it proves later that nothing was cut off the end."),
      first_bad_seq: z.int().nullable(),
    }),
    errors: [],
  }),
};
