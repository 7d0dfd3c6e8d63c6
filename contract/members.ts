import { z } from "zod";
import { operation } from "./operation.ts";
import { Capability, dryRun, Label, listOf, page, Role, Timestamp } from "./primitives.ts";

export const MemberId = z
  .string()
  .regex(/^mem_[a-z0-9]{1,64}$/)
  .describe("Id of a member, `mem_…`.")
  .meta({ examples: ["mem_019a53c0f1d24b6e8f0a1c2d3e4f5a6b"] });

export const Member = z.object({
  id: MemberId,
  email: z.string(),
  name: z.string().nullable(),
  role: Role,
  capabilities: z.array(Capability),
  status: z.enum(["invited", "active", "disabled"]),
  created_at: Timestamp,
  updated_at: Timestamp,
});
export type Member = z.infer<typeof Member>;

const id = { id: MemberId };

export const members = {
  list: operation({
    route: "GET /v1/members",
    summary: "List the people of the workspace and their roles.",
    synonyms: "who people colleagues team roles",
    tools: { hosted: { name: "list_members", toolset: "workspace" } },
    impact: "read",
    idempotent: true,
    needs: "read",
    input: z.strictObject(page),
    output: listOf(Member),
    errors: ["INVALID_INPUT"],
  }),

  invite: operation({
    route: "POST /v1/members",
    summary: "Invite a person to the workspace.",
    synonyms: "add someone colleague person access give new member",
    tools: { hosted: { name: "invite_member", toolset: "workspace" } },
    positionals: ["email"],
    impact: "write",
    idempotent: false,
    needs: "manage",
    creates: true,
    audit: "member.invited",
    input: z.strictObject({
      email: z.email().max(254).describe("Address of the person."),
      name: Label.optional().describe("Name to show for the person."),
      role: Role.default("viewer")
        .describe("What the person and their keys may do.")
        .meta({ examples: ["developer"] }),
      capabilities: z.array(Capability).max(1).default([]).describe("Added to the role."),
    }),
    output: Member,
    errors: ["INVALID_INPUT", "MEMBER_EXISTS"],
  }),

  update: operation({
    route: "PATCH /v1/members/{id}",
    summary: "Change a member's role, capabilities, name or status.",
    description:
      "Takes effect on the member's keys with the next request. The last admin cannot be demoted or disabled.",
    synonyms: "make promote change role developer viewer admin approve colleague",
    tools: { hosted: { name: "update_member", toolset: "workspace" } },
    positionals: ["id"],
    impact: "write",
    idempotent: true,
    needs: "manage",
    audit: "member.updated",
    input: z.strictObject({
      ...id,
      name: Label.optional().describe("Name to show for the person."),
      role: Role.optional()
        .describe("What the person and their keys may do.")
        .meta({ examples: ["developer"] }),
      capabilities: z.array(Capability).max(1).optional().describe("Added to the role."),
      status: z.enum(["active", "disabled"]).optional().describe("`disabled` refuses the member's keys."),
    }),
    output: Member,
    errors: ["INVALID_INPUT", "MEMBER_NOT_FOUND", "LAST_ADMIN"],
  }),

  remove: operation({
    route: "DELETE /v1/members/{id}",
    summary: "Remove a person from the workspace; their keys act as viewer from then on.",
    synonyms: "kick out left company take away access",
    tools: { hosted: { name: "remove_member", toolset: "workspace" } },
    positionals: ["id"],
    impact: "destroy",
    idempotent: false,
    needs: "manage",
    audit: "member.removed",
    input: z.strictObject({ ...id, dry_run: dryRun }),
    output: z.object({ deleted: z.boolean() }),
    errors: ["MEMBER_NOT_FOUND", "LAST_ADMIN"],
  }),
};
