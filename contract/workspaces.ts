import { z } from "zod";
import { operation } from "./operation.ts";
import { dryRun, Label, listOf, Plan, page, Timestamp } from "./primitives.ts";

export const WorkspaceId = z
  .string()
  .regex(/^ws_[a-z0-9]{1,64}$/)
  .describe("Id of a workspace, `ws_…`.")
  .meta({ examples: ["ws_default"] });

export const Workspace = z.object({
  id: WorkspaceId,
  name: z.string(),
  team_id: z.string(),
  plan: Plan,
  limits: z.object({
    requests_per_minute: z.int().nullable().describe("Null for no limit."),
    executions_per_month: z.int().nullable().describe("Null for no quota."),
    retention_days: z.int(),
    audit_retention_days: z.int(),
  }),
  suspended_at: Timestamp.nullable(),
  created_at: Timestamp,
  updated_at: Timestamp,
});
export type Workspace = z.infer<typeof Workspace>;

const id = { id: WorkspaceId };

export const workspaces = {
  list: operation({
    route: "GET /v1/workspaces",
    summary: "List the workspaces this key can reach.",
    synonyms: "which workspaces tenants reach",
    tools: { hosted: { name: "list_workspaces", toolset: "workspace" }, stdio: "rotor_list_workspaces" },
    impact: "read",
    idempotent: true,
    needs: "read",
    input: z.strictObject(page),
    output: listOf(Workspace),
    errors: ["INVALID_INPUT"],
  }),

  get: operation({
    route: "GET /v1/workspaces/{id}",
    summary: "Get a workspace: its plan, limits and state.",
    synonyms: "plan limits of the workspace",
    tools: { hosted: { name: "get_workspace", toolset: "workspace" }, stdio: "rotor_get_workspace" },
    positionals: ["id"],
    impact: "read",
    idempotent: true,
    needs: "read",
    input: z.strictObject(id),
    output: Workspace,
    errors: ["WORKSPACE_NOT_FOUND"],
  }),

  update: operation({
    route: "PATCH /v1/workspaces/{id}",
    summary: "Rename a workspace.",
    synonyms: "rename workspace name",
    tools: { hosted: { name: "update_workspace", toolset: "workspace" } },
    positionals: ["id"],
    impact: "write",
    idempotent: true,
    needs: "manage",
    audit: "workspace.updated",
    input: z.strictObject({ ...id, name: Label.describe("The new name.").meta({ examples: ["marketing"] }) }),
    output: Workspace,
    errors: ["INVALID_INPUT", "WORKSPACE_NOT_FOUND"],
  }),
};

/** The operator's own operations, outside any workspace. */
export const admin = {
  listWorkspaces: operation({
    route: "GET /admin/workspaces",
    summary: "List every workspace of this server, with plan and creation date.",
    tools: { admin: "rotor_list_workspaces" },
    impact: "read",
    idempotent: true,
    needs: "operate",
    input: z.strictObject(page),
    output: listOf(Workspace),
    errors: ["INVALID_INPUT"],
  }),

  createWorkspace: operation({
    route: "POST /admin/workspaces",
    summary: "Create a workspace with its first admin; the answer shows that admin's key once.",
    tools: {},
    positionals: ["name"],
    impact: "write",
    idempotent: false,
    needs: "operate",
    creates: true,
    audit: "workspace.created",
    input: z.strictObject({
      name: Label.describe("Name of the workspace.").meta({ examples: ["marketing"] }),
      plan: Plan.default("free"),
      team_id: z
        .string()
        .regex(/^team_[a-z0-9]{1,64}$/)
        .optional()
        .describe("Without it a team of its own is made."),
      owner_email: z.email().max(254).describe("Address of the first admin."),
    }),
    output: Workspace.extend({ key: z.string().describe("The admin's API key; shown this once.") }),
    errors: ["INVALID_INPUT"],
  }),

  getWorkspace: operation({
    route: "GET /admin/workspaces/{id}",
    summary: "Get any workspace.",
    tools: {},
    positionals: ["id"],
    impact: "read",
    idempotent: true,
    needs: "operate",
    input: z.strictObject(id),
    output: Workspace,
    errors: ["WORKSPACE_NOT_FOUND"],
  }),

  updateWorkspace: operation({
    route: "PATCH /admin/workspaces/{id}",
    summary: "Change a workspace's plan, its custom limits or its name, or suspend it.",
    description:
      "suspended: true is the kill switch: every key of the workspace is refused from the next request on.",
    tools: {},
    positionals: ["id"],
    impact: "write",
    idempotent: true,
    needs: "operate",
    audit: "workspace.updated",
    input: z.strictObject({
      ...id,
      name: Label.optional().describe("The new name."),
      plan: Plan.optional().meta({ examples: ["pro"] }),
      suspended: z.boolean().optional().describe("True refuses every key; false lifts that."),
      requests_per_minute: z
        .int()
        .min(1)
        .max(1_000_000)
        .nullable()
        .optional()
        .describe("Null goes back to the plan's."),
      executions_per_month: z.int().min(0).nullable().optional().describe("Null goes back to the plan's."),
      retention_days: z
        .int()
        .min(1)
        .max(3650)
        .nullable()
        .optional()
        .describe("Null goes back to the plan's."),
    }),
    output: Workspace,
    errors: ["INVALID_INPUT", "WORKSPACE_NOT_FOUND"],
  }),

  deleteWorkspace: operation({
    route: "DELETE /admin/workspaces/{id}",
    summary: "Delete a workspace: its keys die at once and its secrets become unreadable for good.",
    tools: {},
    positionals: ["id"],
    impact: "destroy",
    idempotent: false,
    needs: "operate",
    audit: "workspace.deleted",
    input: z.strictObject({ ...id, dry_run: dryRun }),
    output: z.object({ deleted: z.boolean(), queues: z.int(), api_keys: z.int(), members: z.int() }),
    errors: ["WORKSPACE_NOT_FOUND"],
  }),
};
