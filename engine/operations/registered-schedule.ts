// The schedule that a workflow with a cron trigger has. It comes and goes with the registration.

import type { Context } from "../handler.ts";
import { workspaceOf } from "../handler.ts";
import { newId } from "../ids.ts";
import { must } from "../must.ts";
import * as store from "../store/schedules.ts";
import { newSettings, settleNext } from "./schedule-settings.ts";

type Registration = { id: string; trigger_cron: string | null; trigger_timezone: string | null };

/** What else was set for it, a pause too, outlives a new registration. */
export async function keepRegistered(workflow: Registration, context: Context): Promise<void> {
  const { db, now } = context;
  const { id: workspaceId } = workspaceOf(context);
  const current = await store.lockRegistered(db, workspaceId, workflow.id);
  if (workflow.trigger_cron === null) {
    if (current) await store.deleteSchedule(db, current);
    return;
  }
  const rule = { cron: workflow.trigger_cron, timezone: must(workflow.trigger_timezone, "a time zone") };
  if (current) {
    if (current.cron === rule.cron && current.timezone === rule.timezone) return;
    const settings = { ...current, ...rule };
    const next = settleNext(current.id, current, settings, now);
    await store.changeSchedule(db, current, { ...settings, ...next });
    return;
  }
  const id = newId("sched");
  const settings = newSettings({ ...rule, name: `workflow:${workflow.id}`, workflow: workflow.id });
  const next = settleNext(id, undefined, settings, now);
  const made = await store.insertSchedule(
    db,
    { id, workspaceId, registered: true },
    { ...settings, ...next },
  );
  must(made, "a schedule of a name that nobody else may have");
}
