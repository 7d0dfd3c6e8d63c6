// Registered workflows.

import type { Contract, OutputOf, Workflow } from "@rotorsh/contract";
import { sql } from "drizzle-orm";
import type { Database } from "./database.ts";
import { decodeCursor, type Page, toPage } from "./page.ts";

export type WorkflowRow = {
  id: string;
  name: string;
  serve_url: string;
  trigger_type: "event" | "cron";
  trigger_event: string | null;
  trigger_filter: string | null;
  trigger_cron: string | null;
  trigger_timezone: string | null;
  retries: number;
  hooks: Workflow["hooks"];
  content_hash: string | null;
  version: string;
  version_number: number;
  archived_at: string | null;
  created_at: string;
  updated_at: string;
};

export type Definition = Omit<WorkflowRow, "version_number" | "archived_at" | "created_at" | "updated_at">;

export async function lockWorkflow(db: Database, workspaceId: string, id: string) {
  await db.execute(
    sql`select pg_advisory_xact_lock(hashtextextended(${`workflow|${workspaceId}|${id}`}, 0))`,
  );
  const [row] = await db.execute<WorkflowRow>(
    sql`select * from workflow where workspace_id = ${workspaceId} and id = ${id}`,
  );
  return row;
}

export async function findWorkflow(db: Database, workspaceId: string, id: string) {
  const [row] = await db.execute<WorkflowRow>(
    sql`select * from workflow where workspace_id = ${workspaceId} and id = ${id} and archived_at is null`,
  );
  return row;
}

/** Ids of the workflows that an event of this name triggers, with their filters. */
export async function findTriggered(db: Database, workspaceId: string, event: string) {
  return db.execute<{ id: string; filter: string | null }>(sql`
    select id, trigger_filter as filter from workflow where workspace_id = ${workspaceId} and trigger_event = ${event} and archived_at is null`);
}

export async function listWorkflows(db: Database, workspaceId: string, { limit, cursor }: Page) {
  const after = decodeCursor(cursor, ["text"])?.[0] ?? "";
  const rows = await db.execute<WorkflowRow>(sql`
    select * from workflow where workspace_id = ${workspaceId} and archived_at is null and id > ${after}
    order by id limit ${limit + 1}`);
  return toPage([...rows], limit, (row) => [row.id], toWorkflow);
}

/** The caller holds the workflow's lock. */
export async function saveWorkflow(
  db: Database,
  workspaceId: string,
  definition: Definition,
  number: number,
) {
  const d = definition;
  const [row] = await db.execute<WorkflowRow>(sql`
    insert into workflow as w (workspace_id, id, name, serve_url, trigger_type, trigger_event, trigger_filter,
      trigger_cron, trigger_timezone, retries, hooks, content_hash, version, version_number, created_at, updated_at)
    values (${workspaceId}, ${d.id}, ${d.name}, ${d.serve_url}, ${d.trigger_type}, ${d.trigger_event},
      ${d.trigger_filter}, ${d.trigger_cron}, ${d.trigger_timezone}, ${d.retries},
      array(select json_array_elements_text(${JSON.stringify(d.hooks)}::text::json)), ${d.content_hash}, ${d.version}, ${number},
      rotor_now(), rotor_now())
    on conflict (workspace_id, id) do update set name = excluded.name, serve_url = excluded.serve_url,
      trigger_type = excluded.trigger_type, trigger_event = excluded.trigger_event,
      trigger_filter = excluded.trigger_filter, trigger_cron = excluded.trigger_cron,
      trigger_timezone = excluded.trigger_timezone, retries = excluded.retries, hooks = excluded.hooks,
      content_hash = excluded.content_hash, version = excluded.version, version_number = excluded.version_number, archived_at = null,
      updated_at = excluded.updated_at
    returning *`);
  await db.execute(sql`
    insert into workflow_version (workspace_id, workflow_id, number, version, definition, created_at)
    values (${workspaceId}, ${d.id}, ${number}, ${d.version}, ${JSON.stringify(d)}::text::jsonb, rotor_now())
    on conflict do nothing`);
  return row as WorkflowRow;
}

export async function listVersions(db: Database, workspaceId: string, id: string, { limit, cursor }: Page) {
  const before = decodeCursor(cursor, ["number"])?.[0] ?? 2 ** 31 - 1;
  const rows = await db.execute<VersionRow>(sql`
    select number, version, definition, created_at from workflow_version
    where workspace_id = ${workspaceId} and workflow_id = ${id} and number < ${before}
    order by number desc limit ${limit + 1}`);
  return toPage([...rows], limit, (row) => [row.number], toVersion);
}

type VersionRow = { number: number; version: string; definition: Definition; created_at: string };

function toVersion({ number, version, definition, created_at }: VersionRow) {
  const { id: _, version: __, ...rest } = definition;
  return { ...rest, version, version_number: number, created_at: new Date(created_at).toISOString() };
}

export async function archiveWorkflow(db: Database, workspaceId: string, id: string): Promise<void> {
  await db.execute(sql`
    update workflow set archived_at = rotor_now(), updated_at = rotor_now()
    where workspace_id = ${workspaceId} and id = ${id}`);
}

export function toWorkflow(row: WorkflowRow): OutputOf<Contract["functions"]["get"]> {
  const { archived_at: _, created_at, updated_at, ...rest } = row;
  return {
    ...rest,
    created_at: new Date(created_at).toISOString(),
    updated_at: new Date(updated_at).toISOString(),
  };
}
