// Who sent a request: the holder of an API key, or the operator.

import { createHash, timingSafeEqual } from "node:crypto";
import { type Operation, RotorError } from "@rotorsh/contract";
import { type Caller, type Credential, type Engine, operatorCaller } from "@rotorsh/engine";
import type { Context } from "hono";
import type { AppContext } from "./app.ts";
import { setRateHeaders } from "./respond.ts";

export type Gate = {
  engine: Engine;
  /** The operator's token; without one nobody is the operator. */
  adminToken?: string | undefined;
};

export async function authenticate(c: AppContext, operation: Operation, gate: Gate): Promise<Caller> {
  if (operation.needs === "operate" && isOperator(c, gate)) {
    return setCaller(c, operatorCaller(c.get("provenance")));
  }
  // Of a list that is read page after page each page would find out that rights have changed.
  return authenticateKey(c, gate, { mayBeKnown: !operation.csv });
}

type Asked = Pick<Credential, "noQueueKeys"> & { mayBeKnown?: boolean };

export async function authenticateKey(c: AppContext, { engine }: Gate, asked: Asked = {}): Promise<Caller> {
  refuseKeyInUrl(c);
  const { mayBeKnown = false, ...refuses } = asked;
  const credential = { ...credentialOf(c), ...refuses };
  return setCaller(c, await engine.authenticate(credential, c.get("provenance"), { mayBeKnown }));
}

export function credentialOf(c: Context): Credential {
  return { token: bearerOf(c), workspaceId: c.req.header("x-rotor-workspace") };
}

/** Both are hashed first, so that the comparison tells nothing of the token's length or beginning. */
export function isOperator(c: Context, { adminToken }: Gate): boolean {
  const token = bearerOf(c);
  if (token === undefined || adminToken === undefined) return false;
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(token), digest(adminToken));
}

function setCaller(c: AppContext, caller: Caller): Caller {
  c.set("caller", caller);
  setRateHeaders(c, caller.rate);
  return caller;
}

function bearerOf(c: Context): string | undefined {
  return /^Bearer +(\S+) *$/i.exec(c.req.header("authorization") ?? "")?.[1];
}

/** A key in an address ends up in logs and histories: it is refused even if it is valid. */
function refuseKeyInUrl(c: Context): void {
  if (!/[?&=]rt_(team|ws|q)_/.test(c.req.url)) return;
  const hint =
    "Never put a key into an address: revoke it, and send the new one as `Authorization: Bearer <key>`.";
  throw new RotorError("UNAUTHENTICATED", {}, { hint });
}
