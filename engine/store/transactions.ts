// Transactions on connections that are ours to watch. postgres.js's own `begin` goes on writing to a connection
// that was lost, which ends the process, or runs the statement in whatever transaction has the connection by
// then. Here a transaction whose connection is gone, or that is over, refuses every further statement.

import { drizzle, type PostgresJsDatabase } from "drizzle-orm/postgres-js";
import postgres from "postgres";

/** A pool or an open transaction. */
export type Database = PostgresJsDatabase;

/** Opens a client of one connection, and calls back when that is lost. */
export type OpenClient = (lost: () => void) => postgres.Sql;

/** What the statements that open a transaction answered, and the transaction itself, for drizzle and without it. */
export type Opened = { db: Database; sql: postgres.ISql; row: Record<string, unknown> };

export type Transactions = {
  /** Begins with one statement, sent together with BEGIN; commits when `work` resolves, else rolls back. */
  run<T>(first: string, work: (opened: Opened) => Promise<T>): Promise<T>;
  /** Ends every connection. With 0 seconds, what is under way fails as unavailable. */
  end(seconds: number): Promise<void>;
};

type Lane = { client: postgres.Sql; lost: () => void };

export function createTransactions(open: OpenClient, max: number): Transactions {
  const lanes: Lane[] = [];
  const idle: Lane[] = [];
  const waiting: { resolve(lane: Lane): void; reject(error: unknown): void }[] = [];
  let ended = false;

  function take(): Promise<Lane> {
    if (ended) return Promise.reject(gone());
    const lane = idle.pop() ?? (lanes.length < max ? openLane() : undefined);
    if (lane) return Promise.resolve(lane);
    return new Promise((resolve, reject) => waiting.push({ resolve, reject }));
  }

  function openLane(): Lane {
    const lane: Lane = { client: open(() => lane.lost()), lost() {} };
    // Drizzle reads dates and JSON as text, and sets the client up for it.
    drizzle(lane.client);
    lanes.push(lane);
    return lane;
  }

  function giveBack(lane: Lane): void {
    lane.lost = () => {};
    const next = waiting.shift();
    if (next) next.resolve(lane);
    else idle.push(lane);
  }

  return {
    async run(first, work) {
      const lane = await take();
      try {
        return await runIn(lane, first, work);
      } finally {
        giveBack(lane);
      }
    },
    async end(seconds) {
      ended = true;
      for (const { reject } of waiting.splice(0)) reject(gone());
      await Promise.all(lanes.map(({ client }) => client.end({ timeout: seconds })));
    },
  };
}

async function runIn<T>(lane: Lane, first: string, work: (opened: Opened) => Promise<T>): Promise<T> {
  const state: State = { client: lane.client, over: undefined, failure: undefined, savepoints: 0 };
  lane.lost = () => {
    state.over ??= gone();
  };
  let begun = false;
  try {
    const [, rows] = await lane.client.unsafe(`begin; ${first}`);
    begun = true;
    const row = (rows as unknown as Record<string, unknown>[])[0] ?? {};
    const client = guarded(state);
    const result = await work({ db: drizzle(client), sql: templated(client), row });
    if (state.failure) throw state.failure;
    await commit(state);
    return result;
  } catch (error) {
    // Where there never was a connection, or is none any more, a rollback would only try to make one.
    const connected = (begun && !isBroken(state.failure)) || error instanceof postgres.PostgresError;
    if (connected && !state.over) await lane.client.unsafe("rollback").catch(() => {});
    throw error;
  } finally {
    state.over ??= new Error("This transaction is over");
  }
}

/** True for what the socket said: its connection is going, and a rollback on it might never be answered. */
function isBroken(failure: unknown): boolean {
  if (!(failure instanceof Error) || failure instanceof postgres.PostgresError) return false;
  return /^(E|CONN)/.test((failure as NodeJS.ErrnoException).code ?? "");
}

type State = {
  client: postgres.Sql;
  /** Why no further statement may be sent. */
  over: Error | undefined;
  /** The first statement that failed: Postgres has given the transaction up, whatever the caller makes of it. */
  failure: unknown;
  savepoints: number;
};

async function commit({ client, over }: State): Promise<void> {
  if (over) throw over;
  const { command } = await client.unsafe("commit");
  if (command !== "COMMIT") throw new Error(`The transaction ended in ${command}`);
}

/** As much of a postgres.js client as drizzle uses, bound to one transaction. */
function guarded(state: State): postgres.Sql {
  const client = {
    options: state.client.options,
    unsafe(text: string, parameters: never[] = []) {
      if (state.over) return refused(state.over);
      // Prepared: otherwise each statement with parameters costs a second round trip to learn their types.
      const query = state.client.unsafe(text, parameters, { prepare: parameters.length > 0 });
      query.catch((error: unknown) => {
        state.failure ??= error;
      });
      return query;
    },
    begin: (work: (inner: postgres.Sql) => Promise<unknown>) => savepoint(state, () => work(guarded(state))),
    savepoint: (work: (inner: postgres.Sql) => Promise<unknown>) =>
      savepoint(state, () => work(guarded(state))),
  };
  return client as unknown as postgres.Sql;
}

async function savepoint<T>(state: State, work: () => Promise<T>): Promise<T> {
  const { client } = state;
  const name = `s${++state.savepoints}`;
  const send = (text: string) => (state.over ? Promise.reject(state.over) : client.unsafe(text));
  await send(`savepoint ${name}`);
  try {
    const result = await work();
    if (state.failure) throw state.failure;
    await send(`release ${name}`);
    return result;
  } catch (error) {
    await send(`rollback to ${name}`);
    state.failure = undefined;
    throw error;
  }
}

/** Statements as postgres.js writes them: a template whose values are its parameters. */
function templated({ unsafe }: postgres.Sql): postgres.ISql {
  const send = (parts: TemplateStringsArray, ...values: never[]) =>
    unsafe(
      parts.reduce((text, part, index) => `${text}$${index}${part}`),
      values,
    );
  return send as unknown as postgres.ISql;
}

function refused(error: Error) {
  const answer = Promise.reject(error);
  return Object.assign(answer, { values: () => answer });
}

/** Has the code that isUnavailable knows. */
function gone(): Error {
  return Object.assign(new Error("The database connection was lost"), { code: "CONNECTION_CLOSED" });
}
