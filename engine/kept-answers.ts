// Answers to requests with an Idempotency-Key, kept sealed for 24 hours: one can hold a secret that is shown once.

import { type ErrorBody, type Json, type Operation, RotorError, routeOf } from "@rotorsh/contract";
import type { Caller } from "./caller.ts";
import type { Services } from "./handler.ts";
import type { Database } from "./store/database.ts";
import { digest, findAnswer, holdKey, saveAnswer } from "./store/idempotency.ts";

/** A failure that was answered before; the surfaces mark it as a repetition. */
export class Replayed extends RotorError {}

export type Asked = { caller: Caller; operation: Operation; parsed: Json; services: Services };

type Kept = { status: number; body: Json | ErrorBody };

export type Ticket = { keyId: string; keyHash: string; fingerprint: string; purpose: string };

export function ticketOf({ caller, operation, parsed }: Asked, key: string): Ticket {
  const keyHash = digest(key);
  const fingerprint = digest(routeOf(operation).method, routeOf(operation).path, JSON.stringify(parsed));
  // A key of a team serves several workspaces; the same text in two of them is two keys.
  const keyId = `${caller.actorId}|${caller.workspace?.id ?? ""}`;
  return { keyId, keyHash, fingerprint, purpose: `idempotency|${keyHash}` };
}

/** Holds the key until the transaction ends, and says what it was answered before; throws what was a failure. */
export async function findKept(
  { caller, services }: Asked,
  { keyId, keyHash, fingerprint, purpose }: Ticket,
  db: Database,
): Promise<{ status: number; body: Json } | undefined> {
  if (!(await holdKey(db, keyId, keyHash))) throw new RotorError("IDEMPOTENCY_IN_PROGRESS");
  const row = await findAnswer(db, keyId, keyHash);
  if (!row) return undefined;
  if (row.fingerprint !== fingerprint) throw new RotorError("IDEMPOTENCY_KEY_REUSED");
  const body = JSON.parse(services.vault.open(caller.workspace, purpose, row.body)) as Json;
  if (row.status < 400) return { status: row.status, body };
  const { code, details, hint } = (body as ErrorBody).error;
  throw new Replayed(code, details, hint === undefined ? {} : { hint });
}

export async function keep(
  { caller, services }: Asked,
  { keyId, keyHash, fingerprint, purpose }: Ticket,
  db: Database,
  now: Date,
  { status, body }: Kept,
): Promise<void> {
  const workspaceId = caller.workspace?.id ?? "";
  const sealed = services.vault.seal(caller.workspace, purpose, JSON.stringify(body));
  await saveAnswer(db, { keyId, keyHash, workspaceId, fingerprint, status, body: sealed, createdAt: now });
}
