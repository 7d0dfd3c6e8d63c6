// The tables as drizzle sees them. The migrations are the truth; schema.pg.test.ts holds one against the other.

import type { Capability, KeyTier, Plan, Role, Surface } from "@rotorsh/contract";
import {
  bigint,
  boolean,
  date,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uuid,
} from "drizzle-orm/pg-core";
import type { QueueSettings } from "../core/queue-settings.ts";

const at = (name: string) => timestamp(name, { withTimezone: true });
const count = (name: string) => bigint(name, { mode: "number" });

export const team = pgTable("team", {
  id: text("id").primaryKey(),
  name: text("name").notNull(),
  createdAt: at("created_at").notNull(),
});

export const workspace = pgTable("workspace", {
  id: text("id").primaryKey(),
  teamId: text("team_id").notNull(),
  name: text("name").notNull(),
  plan: text("plan").$type<Plan>().notNull(),
  requestsPerMinute: integer("requests_per_minute"),
  executionsPerMonth: count("executions_per_month"),
  retentionDays: integer("retention_days"),
  dataKey: text("data_key"),
  guardVersion: count("guard_version"),
  suspendedAt: at("suspended_at"),
  deletedAt: at("deleted_at"),
  createdAt: at("created_at").notNull(),
  updatedAt: at("updated_at").notNull(),
});

export const member = pgTable("member", {
  id: text("id").primaryKey(),
  workspaceId: text("workspace_id").notNull(),
  email: text("email").notNull(),
  name: text("name"),
  role: text("role").$type<Role>().notNull(),
  capabilities: text("capabilities").array().$type<Capability[]>().notNull(),
  status: text("status").$type<"invited" | "active" | "disabled">().notNull(),
  createdAt: at("created_at").notNull(),
  updatedAt: at("updated_at").notNull(),
});

export const apiKey = pgTable("api_key", {
  id: text("id").primaryKey(),
  tier: text("tier").$type<KeyTier>().notNull(),
  teamId: text("team_id").notNull(),
  workspaceId: text("workspace_id"),
  queueName: text("queue_name"),
  label: text("label").notNull(),
  role: text("role").$type<Role>().notNull(),
  capabilities: text("capabilities").array().$type<Capability[]>().notNull(),
  hash: text("hash").notNull(),
  prefix: text("prefix").notNull(),
  last4: text("last4").notNull(),
  memberId: text("member_id"),
  parentId: text("parent_id"),
  allowedIps: text("allowed_ips").array().notNull(),
  expiresAt: at("expires_at"),
  lastUsedAt: at("last_used_at"),
  revokedAt: at("revoked_at"),
  createdAt: at("created_at").notNull(),
});

export const queue = pgTable(
  "queue",
  {
    workspaceId: text("workspace_id").notNull(),
    name: text("name").notNull(),
    pausedAt: at("paused_at"),
    concurrency: integer("concurrency").notNull(),
    retryAttempts: integer("retry_attempts").notNull(),
    backoff: jsonb("backoff").$type<QueueSettings["backoff"]>().notNull(),
    timeoutSeconds: integer("timeout_seconds").notNull(),
    rateLimit: jsonb("rate_limit").$type<QueueSettings["rateLimit"]>(),
    callbackUrl: text("callback_url"),
    callbackHeaders: jsonb("callback_headers").$type<Record<string, string>>().notNull(),
    secret: text("secret"),
    previousSecret: text("previous_secret"),
    previousSecretUntil: at("previous_secret_until"),
    approvalRequired: boolean("approval_required").notNull(),
    approvalTimeoutSeconds: integer("approval_timeout_seconds"),
    fourEyes: boolean("four_eyes").notNull(),
    createdAt: at("created_at").notNull(),
    updatedAt: at("updated_at").notNull(),
    uid: count("uid").notNull().generatedAlwaysAsIdentity(),
  },
  (table) => [primaryKey({ columns: [table.workspaceId, table.name] })],
);

export const idempotency = pgTable(
  "idempotency",
  {
    keyId: text("key_id").notNull(),
    keyHash: text("key_hash").notNull(),
    workspaceId: text("workspace_id").notNull(),
    fingerprint: text("fingerprint").notNull(),
    status: integer("status").notNull(),
    body: text("body").notNull(),
    createdAt: at("created_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.keyId, table.keyHash] })],
);

export const usage = pgTable(
  "usage",
  {
    workspaceId: text("workspace_id").notNull(),
    period: date("period").notNull(),
    queueName: text("queue_name").notNull(),
    executions: count("executions").notNull(),
  },
  (table) => [primaryKey({ columns: [table.workspaceId, table.period, table.queueName] })],
);

export const rateWindow = pgTable("rate_window", {
  workspaceId: text("workspace_id").primaryKey(),
  startedAt: at("started_at").notNull(),
  used: count("used").notNull(),
});

export const auditHead = pgTable("audit_head", {
  workspaceId: text("workspace_id").primaryKey(),
  seq: count("seq").notNull(),
  hash: text("hash").notNull(),
});

export const auditEvent = pgTable("audit_event", {
  id: uuid("id").notNull(),
  workspaceId: text("workspace_id").notNull(),
  seq: count("seq").notNull(),
  eventType: text("event_type").notNull(),
  actorId: text("actor_id").notNull(),
  actorRole: text("actor_role"),
  resourceId: text("resource_id"),
  metadata: jsonb("metadata").$type<Record<string, unknown>>().notNull(),
  surface: text("surface").$type<Surface>().notNull(),
  client: text("client"),
  requestId: text("request_id"),
  traceId: text("trace_id"),
  ipAddress: text("ip_address"),
  userAgent: text("user_agent"),
  occurredAt: at("occurred_at").notNull(),
  hash: text("hash").notNull(),
});
