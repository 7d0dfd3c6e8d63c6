// An engine on a database of its own, and people with keys to try it with.

import {
  contract,
  type InputOf,
  isRotorError,
  type Operation,
  type OutputOf,
  type Plan,
} from "@rotorsh/contract";
import postgres from "postgres";
import type { Caller } from "../caller.ts";
import { type Engine, type EngineOptions, startEngine } from "../engine.ts";
import { operatorCaller } from "../identity.ts";
import { silentLog } from "../log.ts";
import { readKeyRing } from "../vault/vault.ts";
import { buildKey, type Grant, type Home, provenance } from "./builders.ts";
import { createTestDatabase } from "./database.ts";

export type TestWorkspace = Home & {
  /** A caller by a real key of this workspace; a developer's unless the grant says otherwise. */
  callerFor(grant?: Grant): Promise<Caller>;
  tokenFor(grant?: Grant): Promise<string>;
  admin: Caller;
};

export type TestEngine = {
  engine: Engine;
  url: string;
  /** The database as its owner sees it, past every rule. */
  sql: postgres.Sql;
  operator: Caller;
  /** One workspace that is there from the start. */
  home: TestWorkspace;
  createWorkspace(plan?: Plan, teamId?: string): Promise<TestWorkspace>;
  /** Another process on the same database. */
  startPeer(changed?: Partial<EngineOptions>): Promise<Engine>;
  /** Moves the database's clock, e.g. by `24 hours`. */
  moveClock(interval: string): Promise<void>;
  stop(): Promise<void>;
};

export const testOptions = (databaseUrl: string): EngineOptions => ({
  databaseUrl,
  keyRing: readKeyRing(`test:${Buffer.alloc(32, 7).toString("base64")}`),
  egress: { httpToLoopback: true, allow: [] },
  workers: false,
  version: "0.0.0-test",
  log: silentLog,
});

export async function startTestEngine(changed: Partial<EngineOptions> = {}): Promise<TestEngine> {
  const database = await createTestDatabase();
  const { url } = database;
  const engine = await startEngine({ ...testOptions(url), ...changed });
  const sql = postgres(url, { max: 4, onnotice: () => {} });
  const peers: Engine[] = [];
  const operator = operatorCaller(provenance);

  async function createWorkspace(plan: Plan = "unlimited", teamId?: string): Promise<TestWorkspace> {
    const input = {
      name: "acme",
      plan,
      owner_email: "owner@example.com",
      ...(teamId && { team_id: teamId }),
    };
    const made = await call(engine, operator, contract.admin.createWorkspace, input);
    const home = { id: made.id, teamId: made.team_id };
    const tokenFor = async (grant: Grant = {}) => (await buildKey(sql, home, grant)).token;
    const authenticate = (token: string) => engine.authenticate({ token }, provenance);
    return {
      ...home,
      tokenFor,
      callerFor: async (grant: Grant = {}) => {
        const workspaceId = grant.tier === "team" ? home.id : undefined;
        return engine.authenticate({ token: await tokenFor(grant), workspaceId }, provenance);
      },
      admin: await authenticate(made.key),
    };
  }

  return {
    engine,
    url,
    sql,
    operator,
    home: await createWorkspace(),
    createWorkspace,
    async startPeer(options = {}) {
      const peer = await startEngine({ ...testOptions(url), ...options });
      peers.push(peer);
      return peer;
    },
    async moveClock(interval) {
      await sql`update clock set shift = shift + ${interval}::interval`;
    },
    async stop() {
      await Promise.all([engine, ...peers].map((one) => one.close()));
      await sql.end();
      await database.drop();
    },
  };
}

/** Performs an operation as a caller, with its types. */
export async function call<Op extends Operation>(
  engine: Engine,
  caller: Caller,
  operation: Op,
  input: InputOf<Op>,
  idempotencyKey?: string,
): Promise<OutputOf<Op>> {
  const options = idempotencyKey === undefined ? {} : { idempotencyKey };
  return (await engine.callAs(caller)(operation, input, options)) as OutputOf<Op>;
}

/** The code of the error a call ends in, or `ok`. */
export async function codeOf(result: Promise<unknown>): Promise<string> {
  try {
    await result;
    return "ok";
  } catch (error) {
    if (isRotorError(error)) return error.code;
    throw error;
  }
}
