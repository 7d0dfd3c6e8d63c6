// Which columns a list shows. A list that is not here shows the fields that fit into a cell, in their order.

import type { Json } from "@rotorsh/contract";
import { cell } from "./cell.ts";

type Column = { title: string; read: (row: Json) => string };

const chosen: Record<string, readonly string[]> = {
  "queues list": ["name", "state", "mode", "concurrency", "retry_attempts", "jobs", "callback_url"],
  "api-keys list": ["id", "label", "tier", "role", "last4", "expires_at", "last_used_at"],
  "members list": ["id", "email", "role", "status", "name"],
  "workspaces list": ["id", "name", "plan", "created_at"],
  "admin list-workspaces": ["id", "name", "plan", "suspended_at", "created_at"],
  "admin list-queues": ["name", "state", "mode", "concurrency", "jobs", "callback_url"],
  "admin list-failed": ["id", "reason", "attempts_made", "tags", "ended_at", "fail_reason"],
  audit: ["occurred_at", "event_type", "resource_id", "actor_id", "surface", "client"],
  "audit list": ["occurred_at", "event_type", "resource_id", "actor_id", "surface", "client"],
  "jobs list": ["id", "state", "attempts_made", "tags", "created_at", "fail_reason"],
  "approvals list": ["id", "status", "queueName", "jobId", "createdAt", "expires_at", "payload"],
  "dlq list": ["id", "reason", "attempts_made", "tags", "ended_at", "fail_reason"],
  "dlq groups": ["count", "reason", "fail_reason", "last_seen", "example_job_id", "fingerprint"],
  "schedules list": ["name", "cron", "timezone", "next_fire_local", "status", "queue", "workflow", "id"],
  "admin list-schedules": [
    "name",
    "cron",
    "timezone",
    "next_fire_local",
    "status",
    "drift",
    "queue",
    "workflow",
    "id",
  ],
  "schedules runs": [
    "scheduled_for",
    "status",
    "reason",
    "job_id",
    "run_id",
    "state",
    "callback_status",
    "error",
  ],
  "secrets list": ["name", "hint", "created_at"],
};

/** Columns that are made of several fields, or have a name of their own. */
const made: Record<string, Column> = {
  jobs: {
    title: "JOBS (waiting/active/failed)",
    read: ({ stats }) => {
      const { waiting, active, failed } = (stats ?? {}) as Json;
      return `${cell(waiting)} / ${cell(active)} / ${cell(failed)}`;
    },
  },
  next_fire_local: { title: "NEXT FIRE", read: (row) => cell(row.next_fire_local) },
};

const needs: Record<string, string> = { jobs: "stats" };

export function columnsFor(words: readonly string[], rows: readonly Json[]): Column[] {
  const present = new Set(rows.flatMap((row) => Object.keys(row)));
  const names = chosen[words.join(" ")]?.filter((name) => present.has(needs[name] ?? name));
  const shown = names?.length ? names : [...present].filter((name) => rows.every((row) => fits(row[name])));
  return shown.map((name) => made[name] ?? { title: titleOf(name), read: (row) => cell(row[name]) });
}

function fits(value: unknown): boolean {
  return value === null || typeof value !== "object";
}

function titleOf(name: string): string {
  return name
    .replaceAll(/([a-z])([A-Z])/g, "$1 $2")
    .replaceAll("_", " ")
    .toUpperCase();
}
