// One call, from a caller's wish to an answer: may they, is it well-formed, was it asked before, do it, and
// leave a trace. Every surface goes through here, so every surface obeys the same rules.

import {
  type CallOptions,
  type ErrorBody,
  type ErrorCode,
  isRead,
  isRotorError,
  type Json,
  listOperations,
  type NamedOperation,
  type Operation,
  type OperationTree,
  parseInput,
  RotorError,
  statusOf,
} from "@rotorsh/contract";
import { asKnown, type Progress } from "./as-known.ts";
import { auditChange } from "./audit-trail.ts";
import type { Caller } from "./caller.ts";
import {
  type Change,
  type Context,
  checksAccess,
  type Handlers,
  isDirect,
  type Services,
} from "./handler.ts";
import { findKept, keep, ticketOf } from "./kept-answers.ts";
import { must } from "./must.ts";
import { addNearest } from "./nearest-known.ts";
import { checkShape } from "./shape.ts";
import { type Database, isUnavailable } from "./store/database.ts";

export type AnyHandler = (input: unknown, context: Context) => Promise<Json>;

export type Answer = { status: number; body: Json; replayed: boolean };

export type Perform = (
  caller: Caller,
  operation: Operation,
  input: unknown,
  options?: CallOptions,
) => Promise<Answer>;

export type HandlerMap = Map<Operation, NamedOperation & { handle: AnyHandler }>;

/** Type-checked as a tree, looked up as a map. */
export function listHandlers<Tree extends OperationTree>(tree: Tree, handlers: Handlers<Tree>): HandlerMap {
  const untyped = handlers as unknown as Record<string, Record<string, AnyHandler>>;
  return new Map(
    listOperations(tree).map((named) => {
      const handle = must(untyped[named.noun]?.[named.verb], `a handler for ${named.noun}.${named.verb}`);
      return [named.operation, { ...named, handle }];
    }),
  );
}

export function createPerform(services: Services, handlers: HandlerMap): Perform {
  return async (caller, operation, input, options = {}) => {
    const { idempotencyKey } = options;
    const { handle, noun, verb } = must(handlers.get(operation), `a handler for ${operation.route}`);
    const what = `${noun}.${verb}`;
    try {
      return await asKnown(caller, async (caller, progress) => {
        const parsed = readInput(caller, operation, input);
        if (idempotencyKey !== undefined && !keyForm.test(idempotencyKey)) {
          throw new RotorError("INVALID_IDEMPOTENCY_KEY");
        }
        const work: Work = {
          caller: needsCurrent(caller, handle) ? await currentOf(caller, progress) : caller,
          operation,
          what,
          handle,
          parsed,
          services,
          idempotencyKey,
          options,
          progress,
        };
        if (isDirect(handle)) return await runDirect(work);
        if (idempotencyKey === undefined || isRead(operation)) return await execute(work);
        return await executeOnce(work, idempotencyKey);
      });
    } catch (error) {
      if (isRotorError(error)) {
        if (isDenial(error)) await services.denied(caller, what, error.code);
        throw error;
      }
      throw asRotorError(error);
    }
  };
}

type Work = {
  caller: Caller;
  operation: Operation;
  what: string;
  handle: AnyHandler;
  parsed: Json;
  services: Services;
  idempotencyKey: string | undefined;
  options: CallOptions;
  progress: Progress;
};

function readInput(caller: Caller, operation: Operation, input: unknown): Json {
  authorise(caller, operation);
  checkShape(input, operation.limits?.fields);
  const parsed = parseInput(operation.input, input);
  authoriseQueue(caller, parsed);
  return parsed;
}

type KnownCaller = Caller & { known: NonNullable<Caller["known"]> };

async function currentOf({ known }: KnownCaller, progress: Progress): Promise<Caller> {
  const current = await known.again();
  progress.isCurrent = true;
  return current;
}

/** Most direct handlers have no statement that could check what is known of the caller. */
function needsCurrent(caller: Caller, handle: AnyHandler): caller is KnownCaller {
  return caller.known !== null && isDirect(handle) && !checksAccess(handle);
}

function authorise(caller: Caller, operation: Operation): void {
  const { needs } = operation;
  if (!caller.permissions.has(needs)) throw new RotorError("FORBIDDEN", { needs });
  if (caller.tier === "queue" && !operation.queueKeys) throw new RotorError("KEY_TIER_REFUSED");
}

/** A queue key sees no other queue, not even that it exists. */
function authoriseQueue(caller: Caller, { name }: Json): void {
  if (caller.tier === "queue" && name !== undefined && name !== caller.queueName) {
    throw new RotorError("QUEUE_KEY_REFUSED", { queue: caller.queueName });
  }
}

async function execute(work: Work): Promise<Answer> {
  const after = createAfter();
  const answer = await inTransaction(work, (db, now) => run(work, db, now, after));
  after.run();
  return answer;
}

/** The handler shares a transaction with other requests, so there is none to give it. */
async function runDirect(work: Work): Promise<Answer> {
  const { operation, handle, parsed, services, idempotencyKey } = work;
  const after = createAfter();
  work.progress.isBegun = true;
  const context = contextOf(work, services.databases.engine, new Date(), after.add, refuseRecord);
  const output = await asked(handle, parsed, context);
  after.run();
  const body = operation.output.parse(output);
  return {
    status: statusOf(operation, body),
    body,
    replayed: idempotencyKey !== undefined && body.duplicate === true,
  };
}

/** What does not exist is answered with what was probably meant. */
async function asked(handle: AnyHandler, parsed: Json, context: Context): Promise<Json> {
  try {
    return await handle(parsed, context);
  } catch (error) {
    if (isRotorError(error)) await addNearest(error, context.caller, context.db);
    throw error;
  }
}

function refuseRecord(): never {
  throw new Error("A direct handler has no transaction to write an audit event in");
}

type After = { add(work: () => void): void; run(): void };

function createAfter(): After {
  const works: (() => void)[] = [];
  return {
    add: (work) => works.push(work),
    run() {
      for (const work of works) work();
    },
  };
}

function inTransaction<T>(
  { caller, services, progress }: Work,
  work: (db: Database, now: Date) => Promise<T>,
): Promise<T> {
  const { databases } = services;
  if (!caller.workspace) return databases.acrossWorkspaces(work);
  const begin = (db: Database, now: Date) => {
    progress.isCurrent = true;
    return work(db, now);
  };
  return databases.inWorkspace(caller.workspace.id, begin, caller.known?.access);
}

function contextOf(
  { caller, services, idempotencyKey, options }: Work,
  db: Database,
  now: Date,
  afterCommit: Context["afterCommit"],
  record: Context["record"],
): Context {
  return {
    caller,
    db,
    now,
    services,
    idempotencyKey,
    // Not read before it is needed: to make one costs a good part of a small request.
    get signal() {
      return options.signal;
    },
    afterCommit,
    record,
  };
}

async function run(work: Work, db: Database, now: Date, after: After): Promise<Answer> {
  const { caller, operation, handle, parsed } = work;
  const changes: Change[] = [];
  const record = (made: Change) => {
    changes.push(made);
  };
  const output = await asked(handle, parsed, contextOf(work, db, now, after.add, record));
  for (const change of changes) await auditChange(db, caller, operation, change, now);
  const body = operation.output.parse(output);
  return { status: statusOf(operation, body), body, replayed: false };
}

const keyForm = /^[\x20-\x7e]{1,255}$/;

/**
 * The first request with a key is executed and its answer kept for 24 hours, be it a success, a refusal by the
 * handler, or our own failure; the same request again gets that answer. The answer and the work it tells of
 * are one transaction.
 */
async function executeOnce(work: Work, key: string): Promise<Answer> {
  const after = createAfter();
  const ticket = ticketOf(work, key);
  const outcome = await inTransaction(work, async (db, now) => {
    const earlier = await findKept(work, ticket, db);
    if (earlier) return { ...earlier, replayed: true };
    const made = await attempt(work, db, now, after);
    await keep(work, ticket, db, now, made);
    return made;
  });
  if ("failure" in outcome) throw outcome.failure;
  after.run();
  return outcome;
}

/** A failure that is an answer, and will be the answer to the same request again. */
type Failed = Omit<Answer, "body"> & { body: ErrorBody; failure: RotorError };

/** Undoes what a failed handler did, and goes on with the transaction, so that its answer is kept under the same lock. */
async function attempt(work: Work, db: Database, now: Date, after: After): Promise<Answer | Failed> {
  try {
    return await db.transaction((inner) => run(work, inner, now, after));
  } catch (error) {
    const failure = isRotorError(error) ? error : asRotorError(error);
    // Nothing was decided, or only what this key may do now: the same request may fare better later.
    if (failure.code === "UNAVAILABLE" || isDenial(failure)) throw failure;
    return { status: failure.status, body: failure.toBody(), replayed: false, failure };
  }
}

const denials: ReadonlySet<ErrorCode> = new Set([
  "FORBIDDEN",
  "KEY_TIER_REFUSED",
  "QUEUE_KEY_REFUSED",
  "FOUR_EYES",
]);

function isDenial({ code }: RotorError): boolean {
  return denials.has(code);
}

function asRotorError(error: unknown): RotorError {
  return new RotorError(isUnavailable(error) ? "UNAVAILABLE" : "INTERNAL", {}, { cause: error });
}
