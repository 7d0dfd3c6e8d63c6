import { getTableColumns, getTableName, is } from "drizzle-orm";
import { getTableConfig, PgTable } from "drizzle-orm/pg-core";
import postgres from "postgres";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../testing/index.ts";
import { appRole, engineRole, engineTables, tenantTables } from "./roles.ts";
import * as schema from "./schema.ts";

let database: TestDatabase;
let sql: postgres.Sql;

beforeAll(async () => {
  database = await createTestDatabase();
  sql = postgres(database.url, { max: 1 });
});

afterAll(async () => {
  await sql.end();
  await database.drop();
});

const tables = Object.values(schema).flatMap((value) => (is(value, PgTable) ? [value as PgTable] : []));

test.each(tables.map((table) => [getTableName(table), table] as const))(
  "the table %s is in the database as drizzle sees it",
  async (name, table) => {
    const rows = await sql<{ name: string; type: string; required: boolean; filled: boolean }[]>`
      select attname as name, format_type(atttypid, atttypmod) as type, attnotnull as required,
        atthasdef or attidentity <> '' as filled
      from pg_attribute where attrelid = ${name}::regclass and attnum > 0 and not attisdropped`;
    const columns = Object.values(getTableColumns(table)).map((column) => ({
      name: column.name,
      type: column
        .getSQLType()
        .replace("timestamp", "timestamp")
        .replace(/^serial$/, "integer"),
      required: column.notNull || column.primary || inPrimaryKey(table, column.name),
    }));
    const known = new Set(columns.map((column) => column.name));
    const stored = rows.filter((row) => known.has(row.name)).map(({ filled: _, ...row }) => row);
    expect(sorted(columns)).toEqual(sorted(stored));
    // What drizzle does not know must not be missed by an insert.
    expect(rows.filter((row) => !known.has(row.name) && row.required && !row.filled)).toEqual([]);
  },
);

function inPrimaryKey(table: PgTable, name: string): boolean {
  return getTableConfig(table).primaryKeys.some(({ columns }) =>
    columns.some((column) => column.name === name),
  );
}

const sorted = (columns: { name: string }[]) => columns.toSorted((a, b) => (a.name < b.name ? -1 : 1));

test("every table that names a workspace is a tenant's, or listed as the engine's own", async () => {
  const rows = await sql<{ name: string }[]>`
    select relname as name from pg_class join pg_attribute on attrelid = pg_class.oid
    where attname = 'workspace_id' and relkind in ('r', 'p') and not relispartition and not attisdropped
      and relnamespace = current_schema()::regnamespace`;
  const unlisted = rows
    .map(({ name }) => name)
    .filter((name) => ![...tenantTables, ...engineTables].includes(name));
  expect(unlisted).toEqual([]);
});

test.each([...tenantTables, "workspace"])(
  "row-level security of %s is on, with a policy for each role",
  async (name) => {
    const [table] = await sql`select relrowsecurity as on from pg_class where oid = ${name}::regclass`;
    const policies = await sql<{ name: string; roles: string[] }[]>`
    select policyname as name, roles::text[] as roles from pg_policies where tablename = ${name}`;
    expect(table?.on).toBe(true);
    const byName = Object.fromEntries(policies.map((policy) => [policy.name, policy.roles]));
    expect(byName).toMatchObject({ own_workspace: [appRole], every_workspace: [engineRole] });
  },
);

test("rotor_app has no right on a table that has no row-level security, but to read the clock and the version of access", async () => {
  const rows = await sql<{ name: string }[]>`
    select relname as name from pg_class
    where relnamespace = current_schema()::regnamespace and relkind in ('r', 'p', 'v', 'm') and not relrowsecurity
      and has_table_privilege(${appRole}, oid, 'select, insert, update, delete, truncate')`;
  expect(rows.map(({ name }) => name)).toEqual(["access_version", "clock"]);
});

test("neither role owns anything, may log in, or bypasses row-level security", async () => {
  const roles = await sql`
    select rolcanlogin or rolsuper or rolbypassrls or rolcreaterole or rolcreatedb as special,
      exists (select from pg_class where relowner = pg_roles.oid) as owner
    from pg_roles where rolname in (${appRole}, ${engineRole})`;
  expect(roles.map((row) => ({ ...row }))).toEqual([
    { special: false, owner: false },
    { special: false, owner: false },
  ]);
});
