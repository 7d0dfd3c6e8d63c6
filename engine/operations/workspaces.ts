import { isDeepStrictEqual } from "node:util";
import { type Contract, invalidInput, RotorError } from "@rotorsh/contract";
import { type Context, type Handlers, workspaceOf } from "../handler.ts";
import { newId } from "../ids.ts";
import * as store from "../store/workspaces.ts";
import { foundWorkspace } from "../workspace-founding.ts";
import type { JobVerb } from "./admin-jobs.ts";
import type { ScheduleVerb } from "./schedules-admin.ts";

export const workspaces: Handlers<Contract>["workspaces"] = {
  async list(input, context) {
    const own = workspaceOf(context);
    if (context.caller.tier === "team") {
      return store.listWorkspaces(context.services.databases.engine, input, own.teamId);
    }
    return { data: [store.toWorkspace(own)], nextCursor: null };
  },

  async get({ id }, context) {
    return store.toWorkspace(await findReachable(id, context));
  },

  async update({ id, name }, context) {
    const current = await findReachable(id, context);
    // A team key changes the workspace its header names, and no other in passing.
    if (current.id !== workspaceOf(context).id) throw new RotorError("WORKSPACE_NOT_FOUND", { id });
    return change(id, { name }, context);
  },
};

export const admin: Omit<Handlers<Contract>["admin"], ScheduleVerb | JobVerb> = {
  listWorkspaces: (input, context) => store.listWorkspaces(context.db, input),

  async createWorkspace(input, context) {
    const { db, now, services } = context;
    const teamId = input.team_id ?? newId("team");
    if (input.team_id && !(await store.findTeam(db, input.team_id))) {
      throw invalidInput([{ path: "team_id", problem: "names no team; leave it out to make a new one" }]);
    }
    const { workspace, key } = await foundWorkspace(db, services.vault, {
      ...input,
      teamId,
      id: newId("ws"),
      now,
    });
    const after = store.toWorkspace(workspace);
    context.record({ resource: workspace.id, after, workspaceId: workspace.id });
    return { ...after, key };
  },

  async getWorkspace({ id }, context) {
    return store.toWorkspace(await find(id, context));
  },

  async updateWorkspace({ id, suspended, ...sent }, context) {
    const current = await lock(id, context);
    const suspendedAt = suspended ? (current.suspendedAt ?? context.now) : null;
    return change(
      id,
      {
        name: sent.name ?? current.name,
        plan: sent.plan ?? current.plan,
        requestsPerMinute: kept(sent.requests_per_minute, current.requestsPerMinute),
        executionsPerMonth: kept(sent.executions_per_month, current.executionsPerMonth),
        retentionDays: kept(sent.retention_days, current.retentionDays),
        suspendedAt: suspended === undefined ? current.suspendedAt : suspendedAt,
      },
      context,
    );
  },

  async deleteWorkspace({ id, dry_run: dryRun }, context) {
    const current = await lock(id, context);
    const contents = await store.countContents(context.db, id);
    if (dryRun) return { deleted: false, ...contents };
    await store.buryWorkspace(context.db, id, context.now);
    context.record({ resource: id, before: store.toWorkspace(current), workspaceId: id });
    return { deleted: true, ...contents };
  },
};

async function find(id: string, { db }: Context): Promise<store.WorkspaceRow> {
  const row = await store.findWorkspace(db, id);
  if (!row) throw new RotorError("WORKSPACE_NOT_FOUND", { id });
  return row;
}

async function lock(id: string, { db }: Context): Promise<store.WorkspaceRow> {
  const row = await store.lockWorkspace(db, id);
  if (!row) throw new RotorError("WORKSPACE_NOT_FOUND", { id });
  return row;
}

/** The caller's own workspace, or for a team key any of its team. */
async function findReachable(id: string, context: Context): Promise<store.WorkspaceRow> {
  const own = workspaceOf(context);
  if (id === own.id) return own;
  const other = await store.findWorkspace(context.services.databases.engine, id);
  if (context.caller.tier === "team" && other?.teamId === own.teamId) return other;
  throw new RotorError("WORKSPACE_NOT_FOUND", { id });
}

async function change(id: string, change: store.WorkspaceChange, context: Context) {
  const before = await lock(id, context);
  if (isDeepStrictEqual({ ...before, ...change }, before)) return store.toWorkspace(before);
  const row = await store.changeWorkspace(context.db, id, change, context.now);
  if (!row) throw new RotorError("WORKSPACE_NOT_FOUND", { id });
  const after = store.toWorkspace(row);
  context.record({ resource: id, before: store.toWorkspace(before), after, workspaceId: id });
  return after;
}

/** Null is a value here: it goes back to what the plan says. */
function kept<T>(sent: T | undefined, current: T): T {
  return sent === undefined ? current : sent;
}
