// The connections of one process. Request-scoped work runs as rotor_app inside a transaction that names its
// workspace; everything that spans workspaces runs as rotor_engine. When the database falls silent, every
// connection is given up at once, and opened anew when it answers again.

import { drizzle } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import { arrayTypes } from "./array-types.ts";
import { byKeysInTransaction } from "./by-keys.ts";
import { startHeartbeat } from "./heartbeat.ts";
import { appRole, engineRole } from "./roles.ts";
import { longestSilenceMs, openSocket } from "./socket.ts";
import { secureOf } from "./socket-tls.ts";
import { createTransactions, type Database, type Transactions } from "./transactions.ts";
import { appendRows } from "./whole-results.ts";

export type { Database } from "./transactions.ts";

/** Statements without drizzle, in a pool or an open transaction; in a transaction dates are text. */
export type Statements = postgres.ISql;

/** One connection, with drizzle and without. */
export type Lane = { engine: Database; sql: postgres.Sql };

type Work<T> = (db: Database, now: Date) => Promise<T>;

/** The version that a caller's rights were read at; null when they were read for this request. See isAccessChanged. */
export type Access = number | null;

export type Databases = {
  /** Across workspaces: every statement names its workspace. */
  engine: Database;
  /** The same for what every request looks up by key: planned once, because planning takes longer than looking. */
  lookups: Database;
  /** The same role without drizzle, for statements that carry many rows at once. */
  sql: postgres.Sql;
  /** A connection of its own for each lane of the busiest statements: what a connection did last it does fastest. */
  lanes: readonly [Lane, Lane];
  /** Runs in one transaction that sees one workspace only; `now` is the database's clock. */
  inWorkspace<T>(workspaceId: string, work: Work<T>, access?: Access): Promise<T>;
  /** Runs in one transaction across workspaces. */
  acrossWorkspaces<T>(work: Work<T>): Promise<T>;
  /** The same, of statements that find all rows by their keys. */
  acrossByKeys<T>(work: Work<T>, access?: Access): Promise<T>;
  /** The same as acrossWorkspaces without drizzle. Never `sql.begin`: a connection lost in it ends the process. */
  transaction<T>(work: (sql: Statements) => Promise<T>, access?: Access): Promise<T>;
  /** Does the database answer now? Resolves within a second. */
  answers(): Promise<boolean>;
  close(): Promise<void>;
};

export type DatabaseOptions = {
  url: string;
  rowSecurity: boolean;
  /** Transactions at once, in one workspace each. */
  appPool?: number;
  /** Transactions at once across workspaces; and as many connections again for single statements, twice. */
  enginePool?: number;
  /** A connection that does not answer for so long is given up. */
  silenceMs?: number;
};

appendRows();

type Pools = {
  app: Transactions;
  across: Transactions;
  engine: postgres.Sql;
  lookups: postgres.Sql;
  sql: postgres.Sql;
  lanes: [postgres.Sql, postgres.Sql];
};

export function openDatabases(options: DatabaseOptions): Databases {
  let pools = openPools(options);
  const heartbeat = startHeartbeat({
    open: () => openClient(options, undefined, { max: 1, connect_timeout: 10 }),
    silent: () => void endPools(pools, 0),
    back() {
      pools = openPools(options);
    },
  });
  return {
    engine: drizzle(preparing(() => pools.engine)),
    lookups: drizzle(preparing(() => pools.lookups)),
    sql: latest(() => pools.sql),
    lanes: [laneOf(() => pools.lanes[0]), laneOf(() => pools.lanes[1])],
    inWorkspace: (workspaceId, work, access) =>
      pools.app.run(
        `select set_config('app.workspace', ${quoted(workspaceId)}, true), rotor_now() as now${checked(access)}`,
        (opened) => work(opened.db, timeOf(opened.row)),
      ),
    acrossWorkspaces: (work) =>
      pools.across.run("select rotor_now() as now", (opened) => work(opened.db, timeOf(opened.row))),
    acrossByKeys: (work, access) =>
      pools.across.run(`select rotor_now() as now, ${byKeysInTransaction}${checked(access)}`, (opened) =>
        work(opened.db, timeOf(opened.row)),
      ),
    transaction: (work, access) =>
      pools.across.run(`select 1${checked(access)}`, (opened) => work(opened.sql)),
    answers: heartbeat.answers,
    async close() {
      await heartbeat.stop();
      // Long enough for what is under way; a client that lost its connection does not end by itself.
      await endPools(pools, 1);
    },
  };
}

function openPools(options: DatabaseOptions): Pools {
  const { appPool = 10, enginePool = 4 } = options;
  const lane = (role: string) => (lost: () => void) => openClient(options, role, { max: 1, onclose: lost });
  const engine = openClient(options, engineRole, { max: enginePool });
  const lookups = openClient(options, engineRole, { max: 1 }, { plan_cache_mode: "force_generic_plan" });
  const lanes: Pools["lanes"] = [
    openClient(options, engineRole, { max: 1 }),
    openClient(options, engineRole, { max: 1 }),
  ];
  // Drizzle reads dates and JSON as text, and sets the client up for it.
  for (const client of [engine, lookups, ...lanes]) drizzle(client);
  return {
    app: createTransactions(lane(appRole), appPool),
    across: createTransactions(lane(engineRole), enginePool),
    engine,
    lookups,
    sql: openClient(options, engineRole, { max: enginePool }),
    lanes,
  };
}

async function endPools({ app, across, engine, lookups, sql, lanes }: Pools, seconds: number): Promise<void> {
  await Promise.all([
    app.end(seconds),
    across.end(seconds),
    engine.end({ timeout: seconds }),
    lookups.end({ timeout: seconds }),
    sql.end({ timeout: seconds }),
    ...lanes.map((lane) => lane.end({ timeout: seconds })),
  ]);
}

function openClient(
  { url, rowSecurity, silenceMs = longestSilenceMs }: DatabaseOptions,
  role: string | undefined,
  options: object,
  settings: object = {},
) {
  // The types of postgres.js do not know it.
  const ownSocket: object = { socket: openSocket(silenceMs, secureOf(url)), ssl: false };
  return postgres(url, {
    onnotice: () => {},
    fetch_types: false,
    types: arrayTypes,
    connect_timeout: 2,
    ...ownSocket,
    // After a restart of Postgres we want to be back at once, not after a growing pause.
    backoff: () => 0.1,
    ...options,
    connection: {
      application_name: "rotor",
      // Dates are read in these forms, whatever this database or login prefers.
      DateStyle: "ISO",
      TimeZone: "UTC",
      // A process that hangs or is cut off must not hold a workspace's locks for long.
      statement_timeout: 30_000,
      idle_in_transaction_session_timeout: 30_000,
      ...(role && rowSecurity && { role }),
      ...settings,
    },
  });
}

/** A client for drizzle that asks for the pool at each statement, and prepares what has parameters. */
function preparing(pool: () => postgres.Sql): postgres.Sql {
  const client = {
    options: { parsers: {}, serializers: {} },
    unsafe: (text: string, parameters: never[] = []) =>
      pool().unsafe(text, parameters, { prepare: parameters.length > 0 }),
    begin() {
      throw new Error("Use acrossWorkspaces for a transaction");
    },
  };
  return client as unknown as postgres.Sql;
}

function laneOf(pool: () => postgres.Sql): Lane {
  return { engine: drizzle(preparing(pool)), sql: latest(pool) };
}

/** Stands for whatever pool is open at the moment it is used. */
function latest(pool: () => postgres.Sql): postgres.Sql {
  return new Proxy((() => {}) as unknown as postgres.Sql, {
    apply: (_target, _self, parts) => Reflect.apply(pool(), undefined, parts),
    get: (_target, name) => Reflect.get(pool(), name),
  });
}

function timeOf(row: Record<string, unknown>): Date {
  return new Date(row.now as string);
}

function quoted(id: string): string {
  return `'${id.replaceAll("'", "''")}'`;
}

const checked = (access: Access = null) => (access === null ? "" : `, check_access(${access})`);

/** Somebody's rights changed since they were read at that version: nothing was done, and they are to be read again. */
export function isAccessChanged(error: unknown): boolean {
  return hasCode(error, /^RA001$/);
}

/** The one version at which the rights of all of these were read. Whoever asks for them together then asks one by one. */
export function commonAccess(versions: readonly Access[]): Access {
  const known = [...new Set(versions.filter((access) => access !== null))];
  if (known.length > 1) throw Object.assign(new Error("Rights read at several versions"), { code: "RA001" });
  return known[0] ?? null;
}

/** Postgres cannot be reached, or has just cut us off: the caller may try again later. */
export function isUnavailable(error: unknown): boolean {
  return hasCode(error, unavailableCodes);
}

/** The statement was undone for another transaction's sake: nothing is wrong with it, and it may be sent again. */
export function isDeadlock(error: unknown): boolean {
  return hasCode(error, /^(40P01|40001)$/);
}

/** Somebody else was first with a name that there is once. The transaction is over. */
export function isTaken(error: unknown): boolean {
  return hasCode(error, /^23505$/);
}

function hasCode(error: unknown, codes: RegExp): boolean {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    const { code } = cause as { code?: string };
    if (code && codes.test(code)) return true;
  }
  return false;
}

// Socket errors, postgres.js's own, and of Postgres: the classes 08 (connection) and 53 (resources), 57P0x
// (shutdown), 57014 (took too long), 25006 (a standby), and 40001 and 40P01 (lost to another transaction).
const unavailableCodes =
  /^(E(CONNREFUSED|CONNRESET|PIPE|TIMEDOUT|HOSTUNREACH|NETUNREACH|NOTFOUND|AI_AGAIN)|ERR_STREAM_DESTROYED|CONN(ECT_TIMEOUT|ECTION_(CLOSED|ENDED|DESTROYED))|08...|53...|57P0.|57014|25006|25P03|40001|40P01)$/;
