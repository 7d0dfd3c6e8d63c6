import type { Contract } from "@rotorsh/contract";
import { monthOf } from "../core/period.ts";
import { limitsOf } from "../core/plan.ts";
import { type Context, type Handlers, workspaceOf } from "../handler.ts";
import { must } from "../must.ts";
import { countExecutions } from "../store/usage.ts";

export const whoami: Handlers<Contract>["whoami"] = {
  async get(_input, context) {
    const { caller } = context;
    const workspace = workspaceOf(context);
    return {
      key_id: caller.actorId,
      label: caller.label,
      tier: caller.tier === "operator" ? "workspace" : caller.tier,
      role: must(caller.role, "a role"),
      permissions: [...caller.permissions],
      queue: caller.queueName,
      workspace_id: workspace.id,
      workspace_name: workspace.name,
      team_id: workspace.teamId,
      member_email: caller.memberEmail,
      expires_at: caller.expiresAt?.toISOString() ?? null,
    };
  },
};

export const status: Handlers<Contract>["status"] = {
  async get(_input, context) {
    const { services } = context;
    const { broker, redis } = await services.broker.health();
    const { total } = await countExecutions(context.db, workspaceOf(context).id, context.now);
    // That this answers at all says that api and database do.
    return {
      api: "ok",
      database: "ok",
      broker,
      redis,
      version: services.version,
      quota: quotaOf(total, context),
    };
  },
};

export const usage: Handlers<Contract>["usage"] = {
  async current(_input, context) {
    const { from, to } = monthOf(context.now);
    const executions = await countExecutions(context.db, workspaceOf(context).id, context.now);
    return {
      period: { from: from.toISOString(), to: to.toISOString() },
      executions,
      quota: quotaOf(executions.total, context),
    };
  },
};

function quotaOf(used: number, context: Context) {
  const workspace = workspaceOf(context);
  const limit = limitsOf(workspace.plan, workspace).executionsPerMonth;
  return { used, limit, plan: workspace.plan, resetAt: monthOf(context.now).to.toISOString() };
}
