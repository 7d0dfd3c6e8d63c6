import type { ErrorCode, Operation, OperationTree, OutputOf, ParsedInputOf } from "@rotorsh/contract";
import type { RedisLink } from "./broker/redis.ts";
import type { Caller } from "./caller.ts";
import type { Log } from "./log.ts";
import { must } from "./must.ts";
import type { Egress } from "./outbound/egress.ts";
import type { RateLimiter } from "./rate-limiter.ts";
import type { Database, Databases } from "./store/database.ts";
import type { WorkspaceRow } from "./store/workspaces.ts";
import type { Vault } from "./vault/vault.ts";

/** What lives as long as the process. */
export type Services = {
  databases: Databases;
  vault: Vault;
  rateLimiter: RateLimiter;
  /** Where this server may be told to call. */
  egress: Egress;
  redis: RedisLink;
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
  /** Says what changed; the audit event is written in the same transaction. Never called: nothing changed. */
  record(change: Change): void;
};

/** Does one operation. Input is already parsed; expected failures are thrown as RotorError. */
export type Handler<Op extends Operation> = (
  input: ParsedInputOf<Op>,
  context: Context,
) => Promise<OutputOf<Op>>;

/** One handler per operation: an operation without a handler does not compile. */
export type Handlers<Tree extends OperationTree> = {
  [Noun in keyof Tree]: { [Verb in keyof Tree[Noun]]: Handler<Tree[Noun][Verb]> };
};

export function workspaceOf({ caller }: Context): WorkspaceRow {
  return must(caller.workspace, "a workspace");
}
