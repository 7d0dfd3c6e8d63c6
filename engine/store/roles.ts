// The two database roles of a running server, and what they may touch. Applied after every migration, so
// that a new table needs a line here and nothing else.

import type postgres from "postgres";

export const appRole = "rotor_app";
export const engineRole = "rotor_engine";

/** Tables that hold one workspace's rows: rotor_app sees those of its own workspace only. */
const tenantTables: readonly string[] = [
  "member",
  "api_key",
  "queue",
  "idempotency",
  "usage",
  "audit_head",
  "audit_event",
];

/** Tables whose rows are never changed or removed by a running server. */
const appendOnly: readonly string[] = ["audit_event"];

const currentWorkspace = "current_setting('app.workspace', true)";

/** Makes the roles and their rights. False when this login may not: then one login does all, without row security. */
export async function applyRoles(sql: postgres.Sql): Promise<boolean> {
  if (!(await ensureRoles(sql))) return false;
  const schema = (await sql`select current_schema() as name`)[0]?.name as string;
  const tables = await sql<{ name: string }[]>`
    select relname as name from pg_class
    where relnamespace = ${schema}::regnamespace and relkind in ('r', 'p') and not relispartition`;
  const statements = [
    `grant usage on schema "${schema}" to ${appRole}, ${engineRole}`,
    `grant execute on all functions in schema "${schema}" to ${appRole}, ${engineRole}`,
    ...tables.flatMap(({ name }) => rightsOn(name)),
    ...["clock", "workspace", "team"].map((name) => `grant select on "${name}" to ${appRole}`),
    `grant update (name, updated_at) on workspace to ${appRole}`,
    ...rowSecurity("workspace", "id"),
    ...tenantTables.flatMap((name) => rowSecurity(name, "workspace_id")),
    // A team key belongs to no workspace; each workspace of its team may see it.
    `drop policy if exists team_keys on api_key`,
    `create policy team_keys on api_key to ${appRole} using (
      workspace_id is null and team_id = (select w.team_id from workspace w where w.id = ${currentWorkspace}))`,
  ];
  await sql.unsafe(statements.join(";\n"));
  return true;
}

function rightsOn(table: string): string[] {
  const change = appendOnly.includes(table) ? "select, insert" : "select, insert, update, delete";
  const roles = tenantTables.includes(table) ? `${appRole}, ${engineRole}` : engineRole;
  return [
    `revoke all on "${table}" from ${appRole}, ${engineRole}`,
    `grant ${change} on "${table}" to ${roles}`,
  ];
}

function rowSecurity(table: string, column: string): string[] {
  return [
    `alter table "${table}" enable row level security`,
    `drop policy if exists own_workspace on "${table}"`,
    `create policy own_workspace on "${table}" to ${appRole} using ("${column}" = ${currentWorkspace})`,
    `drop policy if exists every_workspace on "${table}"`,
    `create policy every_workspace on "${table}" to ${engineRole} using (true)`,
  ];
}

/** Roles belong to the whole server, so two databases may try to create them at once. */
async function ensureRoles(sql: postgres.Sql): Promise<boolean> {
  try {
    for (const role of [appRole, engineRole]) {
      await sql.unsafe(`do $$ begin
        if not exists (select from pg_roles where rolname = '${role}') then create role ${role} nologin; end if;
      exception when duplicate_object or unique_violation then null; end $$`);
      const [may] = await sql`select pg_has_role(current_user, ${role}, 'member') as set_role`;
      if (!may?.set_role) await sql.unsafe(`grant ${role} to current_user`);
    }
    return true;
  } catch (error) {
    if ((error as { code?: string }).code === "42501") return false;
    throw error;
  }
}
