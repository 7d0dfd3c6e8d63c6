import { type Contract, RotorError } from "@rotorsh/contract";
import { nextTicks } from "../core/schedule.ts";
import { graceMs } from "../core/ticks.ts";
import type { Handlers } from "../handler.ts";
import { must } from "../must.ts";
import * as store from "../store/schedules.ts";
import { findWorkspace } from "../store/workspaces.ts";
import { fireByHand } from "./schedule-fire.ts";
import { toScheduleListed } from "./schedule-views.ts";

export type ScheduleVerb = "listSchedules" | "fireSchedule";

export const adminSchedules: Pick<Handlers<Contract>["admin"], ScheduleVerb> = {
  async listSchedules({ id, ...page }, { db, now }) {
    if (!(await findWorkspace(db, id))) throw new RotorError("WORKSPACE_NOT_FOUND", { id });
    const { data, nextCursor } = await store.listSchedules(db, id, page);
    return {
      data: data.map((row) => ({ ...toScheduleListed(row), drift: hasDrifted(row, now.getTime()) })),
      nextCursor,
    };
  },

  async fireSchedule({ id, dry_run: dryRun }, context) {
    const row = await store.lockAnySchedule(context.db, id);
    if (!row) throw new RotorError("SCHEDULE_NOT_FOUND", { id });
    if (dryRun) return { fired: false };
    const workspace = must(await findWorkspace(context.db, row.workspace_id), "the workspace");
    return { ...(await fireByHand(row, workspace, context)), fired: true };
  },
};

/** Nobody fires it, or time zones changed since its next tick was worked out. */
function hasDrifted(row: store.ScheduleRow, now: number): boolean {
  if (row.next_tick_at === null || row.due_at === null) return false;
  if (Date.parse(row.due_at) < now - graceMs) return true;
  const tick = Date.parse(row.next_tick_at);
  return tick > now && nextTicks(row, tick - 1, 1)[0] !== tick;
}
