import { z } from "zod";
import { operation } from "./operation.ts";
import { Capability, dryRun, Label, listOf, page, Role, Timestamp } from "./primitives.ts";
import { QueueName } from "./queues.ts";

export const KeyTier = z.enum(["team", "workspace", "queue"]);
export type KeyTier = z.infer<typeof KeyTier>;

export const KeyId = z
  .string()
  .regex(/^key_[A-Za-z0-9]{1,64}$/)
  .describe("Id of an API key, `key_…`.")
  .meta({ examples: ["key_4fGh2kLm9QpRs7TuVw1x"] });

const AllowedIps = z
  .array(z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()]))
  .max(50)
  .describe("Addresses or CIDR ranges the key may be used from; empty for any.");

export const ApiKey = z.object({
  id: KeyId,
  label: z.string(),
  tier: KeyTier,
  role: Role,
  capabilities: z.array(Capability),
  queue: z.string().nullable().describe("The one queue of a queue key."),
  workspace_id: z
    .string()
    .nullable()
    .describe("Null for a team key, which reaches every workspace of its team."),
  member_id: z.string().nullable().describe("Whose key it is. A key of nobody acts as viewer."),
  prefix: z.string().describe("How the key begins."),
  last4: z.string().describe("How the key ends."),
  allowed_ips: z.array(z.string()),
  expires_at: Timestamp.nullable(),
  last_used_at: Timestamp.nullable().describe("Written at most once a minute."),
  revoked_at: Timestamp.nullable(),
  created_at: Timestamp,
});
export type ApiKey = z.infer<typeof ApiKey>;

const NewApiKey = ApiKey.extend({ key: z.string().describe("The key itself; shown this once.") });
const id = { id: KeyId };

export const apiKeys = {
  list: operation({
    route: "GET /v1/api-keys",
    summary: "List the workspace's API keys, newest first, never the keys themselves.",
    synonyms: "which keys exist expiry last used",
    tools: { hosted: { name: "list_api_keys", toolset: "workspace" }, stdio: "rotor_list_api_keys" },
    impact: "read",
    idempotent: true,
    needs: "develop",
    input: z.strictObject({
      ...page,
      include_revoked: z.boolean().default(false).describe("Show revoked keys too."),
    }),
    output: listOf(ApiKey),
    errors: ["INVALID_INPUT"],
  }),

  create: operation({
    route: "POST /v1/api-keys",
    summary: "Create an API key; the answer shows it once.",
    description: "The new key can never do more than the one that creates it. Team keys need an admin.",
    synonyms: "make new key token credential for ci",
    tools: { hosted: { name: "create_api_key", toolset: "workspace" }, stdio: "rotor_create_api_key" },
    positionals: ["label"],
    impact: "write",
    idempotent: false,
    needs: "develop",
    creates: true,
    audit: "api_key.created",
    input: z.strictObject({
      label: Label.describe("What the key is for, e.g. `claude-code`.").meta({ examples: ["claude-code"] }),
      tier: KeyTier.default("workspace").describe(
        "What it reaches: every workspace of the team, this one, or one queue.",
      ),
      role: Role.default("developer").describe("What it may do, at most as much as the key that creates it."),
      capabilities: z.array(Capability).max(1).default([]).describe("Added to the role."),
      queue: QueueName.optional().describe("Required for a queue key."),
      allowed_ips: AllowedIps.default([]),
      expires_in_days: z.int().min(1).max(90).default(90).describe("Only an admin can extend it later."),
    }),
    output: NewApiKey,
    errors: ["INVALID_INPUT", "FORBIDDEN", "QUEUE_NOT_FOUND"],
  }),

  revoke: operation({
    route: "DELETE /v1/api-keys/{id}",
    summary: "Revoke an API key; it stops working at once.",
    synonyms: "disable kill leaked key at once",
    tools: { hosted: { name: "revoke_api_key", toolset: "workspace" }, stdio: "rotor_revoke_api_key" },
    positionals: ["id"],
    impact: "destroy",
    idempotent: true,
    needs: "develop",
    audit: "api_key.revoked",
    input: z.strictObject({ ...id, dry_run: dryRun }),
    output: z.object({ deleted: z.boolean() }),
    errors: ["API_KEY_NOT_FOUND", "FORBIDDEN"],
  }),

  rotate: operation({
    route: "POST /v1/api-keys/{id}/rotate",
    summary: "Replace an API key by a new one with the same rights and the same expiry; shown once.",
    description: "The old key works for grace_seconds longer, so that a deployment can change over.",
    synonyms: "renew replace key fresh overlap grace",
    tools: { hosted: { name: "rotate_api_key", toolset: "workspace" } },
    positionals: ["id"],
    impact: "write",
    idempotent: false,
    needs: "develop",
    creates: true,
    audit: "api_key.rotated",
    input: z.strictObject({
      ...id,
      grace_seconds: z
        .int()
        .min(0)
        .max(604_800)
        .default(0)
        .describe("How long the old key goes on working.")
        .meta({ examples: [3600] }),
    }),
    output: NewApiKey,
    errors: ["API_KEY_NOT_FOUND", "KEY_REVOKED", "FORBIDDEN"],
  }),

  extend: operation({
    route: "POST /v1/api-keys/{id}/extend",
    summary: "Let an API key live longer, counted from now.",
    synonyms: "prolong expiry of a key longer",
    tools: { hosted: { name: "extend_api_key", toolset: "workspace" } },
    positionals: ["id"],
    impact: "write",
    idempotent: false,
    needs: "manage",
    audit: "api_key.extended",
    input: z.strictObject({
      ...id,
      days: z
        .int()
        .min(1)
        .max(365)
        .default(90)
        .describe("Days from now until it expires.")
        .meta({ examples: [90] }),
    }),
    output: ApiKey,
    errors: ["API_KEY_NOT_FOUND", "KEY_REVOKED"],
  }),
};
