// The connections of one process. Request-scoped work runs as rotor_app inside a transaction that names its
// workspace; everything that spans workspaces runs as rotor_engine.

import { sql as sqlText } from "drizzle-orm";
import { drizzle, type PostgresJsDatabase } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import { appRole, engineRole } from "./roles.ts";
import * as schema from "./schema.ts";

/** A pool or an open transaction. */
export type Database = PostgresJsDatabase<typeof schema>;

export type Databases = {
  /** Across workspaces: every statement names its workspace. */
  engine: Database;
  /** The same role without drizzle, for statements that carry many rows at once. */
  sql: postgres.Sql;
  /** Runs in one transaction that sees one workspace only; `now` is the database's clock. */
  inWorkspace<T>(workspaceId: string, work: (db: Database, now: Date) => Promise<T>): Promise<T>;
  /** Runs in one transaction across workspaces. */
  acrossWorkspaces<T>(work: (db: Database, now: Date) => Promise<T>): Promise<T>;
  close(): Promise<void>;
};

export type DatabaseOptions = { url: string; rowSecurity: boolean; appPool?: number; enginePool?: number };

export function openDatabases({
  url,
  rowSecurity,
  appPool = 10,
  enginePool = 10,
}: DatabaseOptions): Databases {
  const open = (role: string, max: number) =>
    postgres(url, {
      max,
      onnotice: () => {},
      connect_timeout: 5,
      // After a restart of Postgres we want to be back at once, not after a growing pause.
      backoff: () => 0.25,
      connection: { application_name: "rotor", ...(rowSecurity && { role }) },
    });
  const app = open(appRole, appPool);
  const engine = open(engineRole, Math.max(2, Math.floor(enginePool / 2)));
  const raw = open(engineRole, enginePool);
  const appDb = drizzle(app, { schema });
  const engineDb = drizzle(engine, { schema });
  return {
    engine: engineDb,
    sql: raw,
    inWorkspace: (workspaceId, work) =>
      appDb.transaction(async (db) => {
        const [row] = await db.execute<{ now: string }>(
          sqlText`select set_config('app.workspace', ${workspaceId}, true), rotor_now() as now`,
        );
        return work(db, new Date(row?.now as string));
      }),
    acrossWorkspaces: (work) =>
      engineDb.transaction(async (db) => {
        const [row] = await db.execute<{ now: string }>(sqlText`select rotor_now() as now`);
        return work(db, new Date(row?.now as string));
      }),
    async close() {
      await Promise.all([app, engine, raw].map((pool) => pool.end({ timeout: 5 })));
    },
  };
}

/** Postgres cannot be reached, or has just cut us off: the caller may try again later. */
export function isUnavailable(error: unknown): boolean {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    const { code } = cause as { code?: string };
    if (code && unavailableCodes.test(code)) return true;
  }
  return false;
}

// Socket errors, postgres.js's own, and the SQLSTATE classes 08 (connection), 53 (resources), 57P0x (shutdown).
const unavailableCodes =
  /^(E(CONNREFUSED|CONNRESET|PIPE|TIMEDOUT|HOSTUNREACH|NOTFOUND)|CONN(ECT_TIMEOUT|ECTION_(CLOSED|ENDED|DESTROYED))|08...|53...|57P0.)$/;
