// Puts the parts together. One engine per process; any number of processes per database.

import {
  type Call,
  contract,
  listOperations,
  type NamedOperation,
  type Operation,
  type OperationTree,
  RotorError,
} from "@rotorsh/contract";
import { auditDenied } from "./audit-trail.ts";
import { openRedis } from "./broker/redis.ts";
import type { Caller } from "./caller.ts";
import { ensureDefaultWorkspace, type GivenKey } from "./default-workspace.ts";
import type { Services } from "./handler.ts";
import { type Authenticate, createAuthenticate } from "./identity.ts";
import type { Log } from "./log.ts";
import { must } from "./must.ts";
import { handlers } from "./operations/index.ts";
import { createEgress, type EgressRules } from "./outbound/egress.ts";
import { type AnyHandler, createPerform, type Perform } from "./perform.ts";
import { createRateLimiter } from "./rate-limiter.ts";
import { isUnavailable, openDatabases } from "./store/database.ts";
import { migrate } from "./store/migrate.ts";
import { createVault, type KeyRing } from "./vault/vault.ts";
import { startHousekeeping } from "./workers/housekeeping.ts";

export type EngineOptions = {
  databaseUrl: string;
  redisUrl?: string | undefined;
  keyRing: KeyRing;
  egress: EgressRules;
  /** Keys that are valid from the start, for the workspace `default`. */
  givenKeys?: readonly GivenKey[];
  /** False in a process that only answers requests. */
  workers?: boolean;
  version: string;
  log: Log;
};

export type Engine = {
  authenticate: Authenticate;
  perform: Perform;
  /** The caller's own way to perform operations, for surfaces in this process. */
  callAs(caller: Caller): Call;
  /** Can this process serve? Resolves within a second or so. */
  isReady(): Promise<boolean>;
  close(): Promise<void>;
};

export async function startEngine(options: EngineOptions): Promise<Engine> {
  const { databaseUrl, redisUrl, keyRing, version, log } = options;
  const { applied, rowSecurity } = await migrate(databaseUrl);
  if (applied.length > 0) log.info({ applied }, "database migrated");
  if (!rowSecurity) log.warn({}, "this database login may not create roles: row-level security is off");

  const databases = openDatabases({ url: databaseUrl, rowSecurity });
  const redis = openRedis(redisUrl, log);
  const services: Services = {
    databases,
    vault: createVault(keyRing),
    rateLimiter: createRateLimiter(databases.sql, log),
    egress: createEgress(options.egress),
    redis,
    version,
    log,
    async denied(caller, what, code) {
      try {
        await databases.acrossWorkspaces((db, now) => auditDenied(db, caller, what, code, now));
      } catch (error) {
        // The refusal stands, recorded or not.
        log.error(
          { err: error, keyId: caller.actorId, what, code },
          "a refusal is missing from the audit log",
        );
      }
    },
  };
  await ensureDefaultWorkspace(services, options.givenKeys ?? []);
  const perform = createPerform(services, handlerMap());
  const housekeeping = options.workers === false ? undefined : startHousekeeping(services);

  return {
    authenticate: withUnavailable(createAuthenticate(services)),
    perform,
    callAs: (caller) => async (operation, input, callOptions) =>
      (await perform(caller, operation, input, callOptions)).body,
    isReady: () => databases.answers(),
    async close() {
      await housekeeping?.stop();
      await redis.close();
      await databases.close();
    },
  };
}

type Handling = NamedOperation & { handle: AnyHandler };

// Type-checked as a tree in operations/index.ts, looked up as a map here.
function handlerMap(): Map<Operation, Handling> {
  const tree = handlers as unknown as Record<string, Record<string, AnyHandler>>;
  return new Map(
    listOperations(contract as OperationTree).map((named) => {
      const handle = must(tree[named.noun]?.[named.verb], `a handler for ${named.noun}.${named.verb}`);
      return [named.operation, { ...named, handle }];
    }),
  );
}

function withUnavailable(authenticate: Authenticate): Authenticate {
  return async (credential, provenance) => {
    try {
      return await authenticate(credential, provenance);
    } catch (error) {
      if (isUnavailable(error)) throw new RotorError("UNAVAILABLE", {}, { cause: error });
      throw error;
    }
  };
}
