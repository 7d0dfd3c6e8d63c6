// What a workspace can learn about itself: who am I, how is the server, what was used.

import { z } from "zod";
import { KeyTier } from "./api-keys.ts";
import { operation } from "./operation.ts";
import { Plan, Role, Timestamp } from "./primitives.ts";

const nothing = z.strictObject({});

export const Quota = z.object({
  used: z.int(),
  limit: z.int().nullable().describe("Null for no quota."),
  plan: Plan,
  resetAt: Timestamp,
});

export const whoami = {
  get: operation({
    route: "GET /v1/whoami",
    summary: "Say which key this is, whose, and what it may do.",
    synonyms: "who am i which api key using whose role may do",
    tools: { hosted: { name: "whoami", toolset: "workspace" } },
    cli: "whoami",
    impact: "read",
    idempotent: true,
    needs: "read",
    queueKeys: true,
    input: nothing,
    output: z.object({
      key_id: z.string(),
      label: z.string(),
      tier: KeyTier,
      role: Role,
      permissions: z.array(z.string()),
      queue: z.string().nullable(),
      workspace_id: z.string(),
      workspace_name: z.string(),
      team_id: z.string(),
      member_email: z.string().nullable(),
      expires_at: Timestamp.nullable(),
    }),
    errors: [],
  }),
};

const Health = z.enum(["ok", "down"]);

export const status = {
  get: operation({
    route: "GET /v1/status",
    summary: "Show the server's health and the workspace's quota.",
    synonyms: "healthy up health database broker server quota",
    tools: { hosted: { name: "get_status", toolset: "workspace" }, stdio: "rotor_get_status" },
    cli: "status",
    impact: "read",
    idempotent: true,
    needs: "read",
    input: nothing,
    output: z.object({
      api: Health,
      database: Health,
      broker: Health,
      redis: z.enum(["ok", "down", "none"]).describe("`none` when the server runs without Redis."),
      version: z.string(),
      quota: Quota,
    }),
    errors: [],
  }),
};

export const usage = {
  current: operation({
    route: "GET /v1/usage",
    summary: "Show the executions of the current billing period, in total and by queue.",
    description: "An execution is one job or one run accepted; its steps, attempts and replays are free.",
    synonyms: "usage executions month billing period by queue how much used",
    tools: { hosted: { name: "get_usage", toolset: "workspace" } },
    cli: "usage",
    impact: "read",
    idempotent: true,
    needs: "read",
    input: nothing,
    output: z.object({
      period: z.object({ from: Timestamp, to: Timestamp }),
      executions: z.object({ total: z.int(), byQueue: z.record(z.string(), z.int()) }),
      quota: Quota,
    }),
    errors: [],
  }),
};
