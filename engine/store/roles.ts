// The two database roles of a running server, and what they may touch. Applied when a migration or this file
// changed them, so that a new table needs a line here and nothing else.

import { createHash } from "node:crypto";
import type postgres from "postgres";

export const appRole = "rotor_app";
export const engineRole = "rotor_engine";

/** Tables that hold one workspace's rows: rotor_app sees those of its own workspace only. */
export const tenantTables: readonly string[] = [
  "member",
  "api_key",
  "queue",
  "idempotency",
  "usage",
  "job",
  "job_attempt",
  "job_tag",
  "queue_flow",
  "queue_total",
  "queue_minute",
  "workflow",
  "workflow_version",
  "event",
  "run",
  "step",
  "waiter",
  "signal_end",
  "signing_key",
  "queue_gone",
  "replay",
  "replay_job",
  "approval",
  "schedule",
  "schedule_run",
  "guardrail_config",
  "guardrail_entry",
  "guardrail_usage",
  "audit_head",
  "audit_event",
];

/** Tables that name a workspace and that rotor_app may not touch at all. */
export const engineTables: readonly string[] = [
  "rate_window",
  "waiter_path",
  "job_key",
  "lifecycle_listener",
  "lifecycle_event",
];

/** Tables whose rows are never changed or removed by a running server. */
const appendOnly: readonly string[] = ["audit_event"];

const currentWorkspace = "current_setting('app.workspace', true)";

/** Makes the roles and their rights. False when this login may not: then one login does all, without row security. */
export async function applyRoles(sql: postgres.Sql): Promise<boolean> {
  if (!(await ensureRoles(sql))) return false;
  await sql`create table if not exists role_rights (
    only_row boolean primary key default true check (only_row), checksum text not null)`;
  const schema = (await sql`select current_schema() as name`)[0]?.name as string;
  const tables = await sql<{ name: string }[]>`
    select relname as name from pg_class
    where relnamespace = ${schema}::regnamespace and relkind in ('r', 'p') and not relispartition order by relname`;
  const groups = [
    [
      `grant usage on schema "${schema}" to ${appRole}, ${engineRole}`,
      `grant execute on all functions in schema "${schema}" to ${appRole}, ${engineRole}`,
    ],
    ...tables.map(({ name }) => rightsOn(name)),
  ];
  const checksum = createHash("sha256").update(JSON.stringify(groups)).digest("hex");
  if (await isApplied(sql, checksum)) return true;
  // Each group is one transaction that locks one table: a server that is at work is neither blocked for long nor
  // drawn into a deadlock.
  for (const group of groups) await sql.unsafe(group.join(";\n"));
  await sql`insert into role_rights (checksum) values (${checksum})
    on conflict (only_row) do update set checksum = excluded.checksum`;
  return true;
}

/** Most starts change nothing, and then no table is locked. A restored database may have lost its rights. */
async function isApplied(sql: postgres.Sql, checksum: string): Promise<boolean> {
  const [row] = await sql`
    select checksum = ${checksum} and has_table_privilege(${appRole}, 'queue', 'select')
      and has_table_privilege(${engineRole}, 'queue', 'select') as applied from role_rights`;
  return row?.applied ?? false;
}

function rightsOn(table: string): string[] {
  const change = appendOnly.includes(table) ? "select, insert" : "select, insert, update, delete";
  const isTenant = tenantTables.includes(table);
  return [
    `revoke all on "${table}" from ${appRole}, ${engineRole}`,
    `grant ${change} on "${table}" to ${isTenant ? `${appRole}, ${engineRole}` : engineRole}`,
    ...(isTenant ? rowSecurity(table, "workspace_id") : []),
    ...(extraRights[table] ?? []),
  ];
}

const extraRights: Record<string, string[]> = {
  clock: [`grant select on clock to ${appRole}`],
  access_version: [`grant select on access_version to ${appRole}`],
  workspace: [
    `grant select, update (name, updated_at, guard_version) on workspace to ${appRole}`,
    ...rowSecurity("workspace", "id"),
  ],
  // A team key belongs to no workspace; each workspace of its team may see it.
  api_key: [
    `drop policy if exists team_keys on api_key`,
    `create policy team_keys on api_key to ${appRole} using (
      workspace_id is null and team_id = (select w.team_id from workspace w where w.id = ${currentWorkspace}))`,
  ],
};

function rowSecurity(table: string, column: string): string[] {
  return [
    `alter table "${table}" enable row level security`,
    `drop policy if exists own_workspace on "${table}"`,
    `create policy own_workspace on "${table}" to ${appRole} using ("${column}" = ${currentWorkspace})`,
    `drop policy if exists every_workspace on "${table}"`,
    `create policy every_workspace on "${table}" to ${engineRole} using (true)`,
  ];
}

const tries = 10;

/** Roles belong to the whole server, so two databases may make and grant them at once, and one of them fails. */
async function ensureRoles(sql: postgres.Sql): Promise<boolean> {
  for (let attempt = 1; ; attempt++) {
    try {
      for (const role of [appRole, engineRole]) await ensureRole(sql, role);
      return true;
    } catch (error) {
      const { code, message } = error as { code?: string; message: string };
      if (code === "42501") return false;
      const isRace = code === "23505" || code === "42710" || /concurrently (updated|deleted)/.test(message);
      if (!isRace || attempt === tries) throw error;
    }
  }
}

async function ensureRole(sql: postgres.Sql, role: string): Promise<void> {
  await sql.unsafe(`do $$ begin
    if not exists (select from pg_roles where rolname = '${role}') then create role ${role} nologin; end if;
  end $$`);
  // Since Postgres 16 who makes a role is a member of it, but may not act as it.
  const version = Number((await sql`select current_setting('server_version_num') as number`)[0]?.number);
  const right = version >= 160_000 ? "SET" : "MEMBER";
  const [may] = await sql`select pg_has_role(current_user, ${role}, ${right}) as act`;
  if (!may?.act) await sql.unsafe(`grant ${role} to current_user`);
}
