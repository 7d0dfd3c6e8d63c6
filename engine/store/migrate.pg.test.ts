import { randomBytes } from "node:crypto";
import postgres from "postgres";
import { afterEach, beforeEach, expect, inject, test } from "vitest";
import { startEngine } from "../engine.ts";
import type { Log } from "../log.ts";
import { silentLog } from "../log.ts";
import { StartRefused } from "../start-refused.ts";
import { testOptions } from "../testing/index.ts";
import { migrate } from "./migrate.ts";
import { migrations } from "./migrations/index.ts";
import { appRole } from "./roles.ts";

const names = migrations.map(({ name }) => name);
const { server } = inject("postgres");
const cleanUp: (() => Promise<unknown>)[] = [];
let admin: postgres.Sql;

beforeEach(() => {
  admin = postgres(server, { max: 1, onnotice: () => {} });
});

afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
  await admin.end();
});

/** A database with nothing in it, of a login without any privilege when `asRole` says what it may. */
async function emptyDatabase(asRole?: string): Promise<string> {
  const name = `rotor_empty_${randomBytes(6).toString("hex")}`;
  const url = new URL(server);
  url.pathname = `/${name}`;
  if (asRole) {
    await admin.unsafe(`create role ${name} login password 'test' ${asRole}`);
    cleanUp.push(() => admin.unsafe(`drop role ${name}`));
    url.username = name;
    url.password = "test";
  }
  await admin.unsafe(`create database ${name}${asRole ? ` owner ${name}` : ""}`);
  cleanUp.push(() => admin.unsafe(`drop database ${name} with (force)`));
  return url.href;
}

async function query(url: string, text: string) {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    return (await sql.unsafe(text)).map((row) => ({ ...row }));
  } finally {
    await sql.end();
  }
}

test("five servers that start at once migrate once", async () => {
  const url = await emptyDatabase();
  const results = await Promise.all(Array.from({ length: 5 }, () => migrate(url)));
  expect(results.flatMap(({ applied }) => applied)).toEqual(names);
  expect(results.every(({ rowSecurity }) => rowSecurity)).toBe(true);
});

test("servers of several new databases may start at once, although they share the roles", async () => {
  const urls = await Promise.all(Array.from({ length: 4 }, () => emptyDatabase()));
  const results = await Promise.all(urls.map((url) => migrate(url)));
  expect(results.map(({ rowSecurity }) => rowSecurity)).toEqual([true, true, true, true]);
});

test("a second start applies nothing and locks no table", async () => {
  const url = await emptyDatabase();
  await migrate(url);
  const before = await query(url, "select oid, xmin from pg_class where relkind in ('r', 'p') order by oid");
  expect(await migrate(url)).toEqual({ applied: [], rowSecurity: true });
  expect(await query(url, "select oid, xmin from pg_class where relkind in ('r', 'p') order by oid")).toEqual(
    before,
  );
});

test("a migration that was changed after it was applied stops the start", async () => {
  const url = await emptyDatabase();
  await migrate(url);
  await query(url, "update migration set checksum = 'of other text'");
  const refusal = migrate(url);
  await expect(refusal).rejects.toThrow(StartRefused);
  await expect(refusal).rejects.toThrow(/^[^\n]+ migration 0001-foundation was changed: [^\n]+$/);
});

test("a database of a newer server stops the start", async () => {
  const url = await emptyDatabase();
  await migrate(url);
  await query(url, "insert into migration (name, checksum) values ('9999-future', '')");
  const refusal = migrate(url);
  await expect(refusal).rejects.toThrow(StartRefused);
  await expect(refusal).rejects.toThrow("9999-future");
});

test("rights that were lost, as by a restore without them, are given again", async () => {
  const url = await emptyDatabase();
  await migrate(url);
  await query(url, `revoke all on all tables in schema public from ${appRole}`);
  await migrate(url);
  expect(await query(url, `select has_table_privilege('${appRole}', 'member', 'select') as may`)).toEqual([
    { may: true },
  ]);
});

function recordWarnings(): Log & { warnings: string[] } {
  const warnings: string[] = [];
  return { ...silentLog, warnings, warn: (_fields, message) => warnings.push(message) };
}

async function startOnce(url: string) {
  const log = recordWarnings();
  const engine = await startEngine({ ...testOptions(url), log });
  const ready = await engine.isReady();
  await engine.close();
  return { ready, warnings: log.warnings };
}

test("a login that may not create roles works without row-level security, and is told so", async () => {
  const url = await emptyDatabase("nosuperuser nocreaterole nocreatedb");
  const { ready, warnings } = await startOnce(url);
  expect(ready).toBe(true);
  expect(warnings).toEqual([expect.stringContaining("row-level security is off")]);
});

test("a login that may create roles, and is no superuser, has row-level security", async () => {
  const url = await emptyDatabase("nosuperuser createrole");
  for (const role of ["rotor_app", "rotor_engine"]) {
    // Made by somebody else in this server: the login must be let in, as after a move between servers.
    await admin.unsafe(`grant ${role} to ${new URL(url).username} with admin option`);
  }
  expect(await startOnce(url)).toEqual({ ready: true, warnings: [] });
});
