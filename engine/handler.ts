import type { ErrorCode, Operation, OperationTree, OutputOf, ParsedInputOf } from "@rotorsh/contract";
import type { Broker } from "./broker/broker.ts";
import type { Caller } from "./caller.ts";
import type { Guardrails } from "./guardrails/index.ts";
import type { Intake } from "./intake.ts";
import type { Log } from "./log.ts";
import { must } from "./must.ts";
import type { Egress } from "./outbound/egress.ts";
import type { Outbound } from "./outbound/http-client.ts";
import type { Awaited } from "./pull/awaited.ts";
import type { PullClaims } from "./pull/claims.ts";
import type { PullEnds } from "./pull/ends.ts";
import type { ReadQueueNumbers } from "./queue-stats.ts";
import type { RateLimiter } from "./rate-limiter.ts";
import type { Access, Database, Databases } from "./store/database.ts";
import type { WorkspaceRow } from "./store/workspaces.ts";
import type { Confirmations } from "./vault/confirmation.ts";
import type { Vault } from "./vault/vault.ts";
import type { Workflows } from "./workflows.ts";

/** What lives as long as the process. */
export type Services = {
  databases: Databases;
  vault: Vault;
  /** Tokens that say a preview was seen. */
  confirmations: Confirmations;
  rateLimiter: RateLimiter;
  /** Where this server may be told to call. */
  egress: Egress;
  /** The one way to call it. */
  outbound: Outbound;
  /** Moves work between processes. */
  broker: Broker;
  /** Stores new jobs; answers once they are durable. */
  intake: Intake;
  /** What is checked of jobs before they are sent. */
  guardrails: Guardrails;
  /** Stores everything about workflow runs. */
  workflows: Workflows;
  /** Reads how many jobs a queue has, and how fast they go. */
  readQueueNumbers: ReadQueueNumbers;
  /** Says that these queues may have work. */
  wake(queueUids: Iterable<number>): void;
  /** Tells a listener of every wake. */
  onWake(listener: (queueUids: Iterable<number>) => void): void;
  /** What workers of pull queues ask for. */
  pull: { claims: PullClaims; ends: PullEnds; awaited: Awaited };
  version: string;
  log: Log;
  /** Records that a known key was refused something. */
  denied(caller: Caller, what: string, code: ErrorCode): Promise<void>;
};

/** What an audit event says of a change. Secrets never belong in before or after. */
export type Change = {
  resource: string;
  before?: object | null | undefined;
  after?: object | null | undefined;
  /** Whose chain it belongs to, when the caller is the operator. */
  workspaceId?: string;
};

/** What one call may touch: a transaction that sees the caller's workspace, and the time it began. */
export type Context = {
  caller: Caller;
  db: Database;
  now: Date;
  services: Services;
  /** What the caller sent to make a repetition harmless. */
  idempotencyKey: string | undefined;
  /** Aborted when the caller does not wait for the answer any more. */
  signal: AbortSignal | undefined;
  /** Runs when the transaction is committed, and only then. */
  afterCommit(work: () => void): void;
  /** Says what changed; the audit event is written in the same transaction. Never called: nothing changed. */
  record(change: Change): void;
};

/** Does one operation. Input is already parsed; expected failures are thrown as RotorError. */
export type Handler<Op extends Operation> = (
  input: ParsedInputOf<Op>,
  context: Context,
) => Promise<OutputOf<Op>>;

const directHandlers = new WeakMap<object, { checksAccess: boolean }>();

/**
 * Marks a handler of the hot path: it gets no transaction of its own, because it shares one with other requests,
 * and it answers a repeated Idempotency-Key itself. `checksAccess`: its first statement checks what is known of the
 * caller (see Caller.known), and it changes nothing before.
 */
export function direct<H extends object>(handler: H, { checksAccess = false } = {}): H {
  directHandlers.set(handler, { checksAccess });
  return handler;
}

export function isDirect(handler: object): boolean {
  return directHandlers.has(handler);
}

export function checksAccess(handler: object): boolean {
  return directHandlers.get(handler)?.checksAccess ?? false;
}

/** One handler per operation: an operation without a handler does not compile. */
export type Handlers<Tree extends OperationTree> = {
  [Noun in keyof Tree]: { [Verb in keyof Tree[Noun]]: Handler<Tree[Noun][Verb]> };
};

/** What the first statement has to check. */
export function accessOf({ caller }: Context): Access {
  return caller.known?.access ?? null;
}

export function workspaceOf({ caller }: Context): WorkspaceRow {
  return must(caller.workspace, "a workspace");
}
