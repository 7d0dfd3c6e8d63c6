// Migrates the database, and opens what an engine works with.

import type { ErrorCode } from "@rotorsh/contract";
import { auditDenied } from "./audit-trail.ts";
import { openBroker, runsTicket } from "./broker/broker.ts";
import { createGuardrails } from "./guardrails/index.ts";
import type { Services } from "./handler.ts";
import { createIntake } from "./intake.ts";
import type { Log } from "./log.ts";
import type { AnthropicOptions } from "./outbound/anthropic.ts";
import { createEgress, type EgressRules } from "./outbound/egress.ts";
import { createOutbound } from "./outbound/http-client.ts";
import { createAwaited } from "./pull/awaited.ts";
import { createPullClaims } from "./pull/claims.ts";
import { createPullEnds } from "./pull/ends.ts";
import { createReadQueueNumbers } from "./queue-stats.ts";
import { createRateLimiter } from "./rate-limiter.ts";
import { type Databases, openDatabases } from "./store/database.ts";
import { readInstallation } from "./store/installation.ts";
import { migrate } from "./store/migrate.ts";
import { createConfirmations } from "./vault/confirmation.ts";
import { createVault, type KeyRing } from "./vault/vault.ts";
import { createWorkflows } from "./workflows.ts";

export type ServiceOptions = {
  databaseUrl: string;
  redisUrl?: string | undefined;
  keyRing: KeyRing;
  /** Where this server may be told to call. */
  egress: EgressRules;
  /** How to reach the model that judges brand tone; without it, it cannot be switched on. */
  anthropic?: AnthropicOptions | undefined;
  /** Where apps send the steps of their workflows; without it they return after each step. */
  checkpointUrl?: string | undefined;
  /** False in a process that only answers requests. */
  workers?: boolean;
  version: string;
  log: Log;
};

export async function openServices(options: ServiceOptions): Promise<Services> {
  const { databaseUrl, redisUrl, keyRing, version, log } = options;
  const { applied, rowSecurity } = await migrate(databaseUrl);
  if (applied.length > 0) log.info({ applied }, "database migrated");
  if (!rowSecurity) log.warn({}, "this database login may not create roles: row-level security is off");
  const databases = openDatabases({ url: databaseUrl, rowSecurity });
  const hasWorkers = options.workers !== false;
  const installation = await readInstallation(databases.sql);
  const broker = await openBroker({ databaseUrl, redisUrl, listens: hasWorkers, installation, log }).catch(
    async (error: unknown) => {
      await databases.close();
      throw error;
    },
  );
  const wakes = new Set<(queueUids: Iterable<number>) => void>();
  const wake: Services["wake"] = (queueUids) => {
    for (const listener of wakes) listener(queueUids);
    // A process with workers takes the work itself.
    if (!hasWorkers) broker.wake(queueUids);
  };
  const guardrails = createGuardrails(databases, options.anthropic);
  const claims = createPullClaims({ databases, wake, log, recheck: guardrails.recheck });
  wakes.add(claims.ready);
  return {
    databases,
    pull: { claims, ends: createPullEnds({ databases, wake }), awaited: createAwaited({ databases }) },
    intake: createIntake(databases, wake),
    guardrails,
    readQueueNumbers: createReadQueueNumbers(databases),
    workflows: createWorkflows(databases, () => {
      if (!hasWorkers) broker.wake([runsTicket]);
    }),
    wake,
    onWake: (listener) => wakes.add(listener),
    vault: createVault(keyRing),
    confirmations: createConfirmations(keyRing),
    rateLimiter: createRateLimiter(databases.sql, log),
    egress: createEgress(options.egress),
    outbound: createOutbound({ rules: options.egress }),
    broker,
    version,
    log,
    denied: recordDenials(databases, log),
  };
}

/**
 * Refusals of the key itself come before its requests are counted, and a suspended workspace's may go on for days:
 * one of a kind per key and minute is recorded, so that nobody fills the log with them.
 */
const rareDenials: ReadonlySet<ErrorCode> = new Set([
  "ADDRESS_REFUSED",
  "WORKSPACE_MISMATCH",
  "WORKSPACE_SUSPENDED",
]);
const rareMs = 60_000;
const mostRemembered = 10_000;

function recordDenials(databases: Databases, log: Log): Services["denied"] {
  const recorded = new Map<string, number>();
  const isRepeated = (keyId: string, code: ErrorCode): boolean => {
    if (!rareDenials.has(code)) return false;
    const [name, now] = [`${keyId}|${code}`, performance.now()];
    if (now - (recorded.get(name) ?? Number.NEGATIVE_INFINITY) < rareMs) return true;
    if (recorded.size >= mostRemembered) recorded.clear();
    recorded.set(name, now);
    return false;
  };
  return async (caller, what, code) => {
    if (isRepeated(caller.actorId, code)) return;
    try {
      await databases.acrossWorkspaces((db, now) => auditDenied(db, caller, what, code, now));
    } catch (error) {
      // The refusal stands, recorded or not.
      const fields = { err: error, keyId: caller.actorId, what, code };
      log.error(fields, "a refusal is missing from the audit log");
    }
  };
}
