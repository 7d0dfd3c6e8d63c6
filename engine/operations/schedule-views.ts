// Schedules as they are shown.

import { createHash } from "node:crypto";
import type { Contract, OutputOf, Schedule } from "@rotorsh/contract";
import { ruleOf } from "../core/schedule.ts";
import { overlapOf } from "../core/ticks.ts";
import { localTime } from "../core/time-zone.ts";
import { type ScheduleRow, toListed } from "../store/schedules.ts";

type Listed = OutputOf<Contract["schedules"]["list"]>["data"][number];

export function toScheduleListed(row: ScheduleRow): Listed {
  return {
    ...toListed(row),
    dst_overlap: overlapOf(ruleOf(row)),
    next_fire_local: row.due_at === null ? null : localTime(row.timezone, Date.parse(row.due_at)),
  };
}

export function toSchedule(row: ScheduleRow): Schedule {
  const payload: unknown = row.payload === null ? {} : JSON.parse(row.payload);
  return { ...toScheduleListed(row), payload, job_data: payload };
}

/** For the audit log: of the payload only whether it is another one. */
export function auditedSchedule(row: ScheduleRow): object {
  const { next_fire_at: _, next_fire_local: __, updated_at: ___, ...shown } = toScheduleListed(row);
  const payload = createHash("sha256")
    .update(row.payload ?? "{}")
    .digest("hex")
    .slice(0, 16);
  return { ...shown, payload_hash: payload };
}
