// From a bearer token to a caller. A wrong, unknown, expired or revoked key gets one and the same answer.

import { BlockList, isIPv6 } from "node:net";
import { type ErrorCode, RotorError } from "@rotorsh/contract";
import type { Caller, Provenance, RateState } from "./caller.ts";
import { permissionsOfKey } from "./core/access.ts";
import { limitsOf } from "./core/plan.ts";
import type { Services } from "./handler.ts";
import { createKnownCallers, type Found } from "./known-callers.ts";
import { must } from "./must.ts";
import { type KeyIdentity, prepareFindIdentities, touchApiKey } from "./store/api-keys.ts";
import { createBatcher } from "./store/batch.ts";
import { findWorkspace, type WorkspaceRow } from "./store/workspaces.ts";
import { type KeyToken, readKey, sameHash } from "./vault/key-token.ts";

export type Credential = {
  token: string | undefined;
  /** The header x-rotor-workspace. */
  workspaceId?: string | undefined;
  /** What is asked for, where no queue key is admitted to any of it. */
  noQueueKeys?: string | undefined;
};

/** `mayBeKnown`: whatever the caller does next checks that their rights are still what they were; see Caller.known. */
export type Authenticate = (
  credential: Credential,
  provenance: Provenance,
  options?: { mayBeKnown?: boolean },
) => Promise<Caller>;

/** Compared with when a key is unknown, so that an unknown key takes as long as a wrong one. */
const noHash = "0".repeat(64);

/** The second lane takes who comes while the first is on its way. */
const identityLanes = { lanes: 2 };
const clocksDifferMs = 2000;

export function createAuthenticate(services: Services): Authenticate {
  const { databases } = services;
  const findIdentities = prepareFindIdentities(databases.lookups);
  // Requests that come together share the query.
  const find = createBatcher<string, KeyIdentity | undefined>(async (ids) => {
    const found = await findIdentities([...new Set(ids)]);
    return ids.map((id) => found.get(id));
  }, identityLanes);
  const callers = createKnownCallers();
  const admit = createAdmit(services);

  /** `counted` where the request is counted already. */
  async function lookUp(
    credential: Credential,
    provenance: Provenance,
    counted?: { rate: RateState },
  ): Promise<Caller> {
    const { token = "", workspaceId } = credential;
    const key = readKey(token);
    if (!key) throw new RotorError("UNAUTHENTICATED");
    const identity = await find(key.id);
    if (!isAlive(key, identity)) throw new RotorError("UNAUTHENTICATED");
    const workspace = await workspaceOf(identity, workspaceId, services);
    const caller = toCaller(identity, workspace);
    const { rate, refused } = await admit(caller, credential, provenance, counted);
    if (refused) {
      await services.denied({ ...caller, provenance }, refused.what, refused.code);
      throw new RotorError(refused.code);
    }
    // Only who was let in: nobody can fill the memory with names.
    callers.keep(token, workspaceId, { caller, access: identity.access }, msLeft(identity));
    return { ...caller, rate, provenance };
  }

  return async (credential, provenance, { mayBeKnown = false } = {}) => {
    const known = mayBeKnown ? callers.find(credential.token ?? "", credential.workspaceId) : undefined;
    if (!known) return lookUp(credential, provenance);
    const { rate, refused } = await admit(known.caller, credential, provenance).catch(mayBeWrong);
    // What refuses them may hold no more; nor may they hear of it, if their key is dead.
    if (refused) return lookUp(credential, provenance);
    const again = () => lookUp(credential, provenance, { rate });
    return { ...known.caller, rate, known: { access: known.access, again }, provenance };
  };
}

type Admitted = { rate: RateState; refused?: { what: string; code: ErrorCode } };

const mayBeWrong = (): Admitted => ({ rate: null, refused: { what: "key", code: "UNAUTHENTICATED" } });

/** What is looked at with every request, whoever sends it. */
function createAdmit(services: Services) {
  const { rateLimiter } = services;
  const touch = createToucher(services);
  return async (
    { tier, workspace, allowedIps, actorId }: Found["caller"],
    { workspaceId, noQueueKeys }: Credential,
    { ip }: Provenance,
    counted?: { rate: RateState },
  ): Promise<Admitted> => {
    const refuse = (what: string, code: ErrorCode) => ({ rate: null, refused: { what, code } });
    const owner = must(workspace, "a workspace");
    const { id, suspendedAt } = owner;
    if (tier !== "team" && workspaceId !== undefined && workspaceId !== id) {
      return refuse("key", "WORKSPACE_MISMATCH");
    }
    if (!isAllowedFrom(allowedIps, ip)) return refuse("key", "ADDRESS_REFUSED");
    if (noQueueKeys && tier === "queue") return refuse(noQueueKeys, "KEY_TIER_REFUSED");
    const limit = limitsOf(owner.plan, owner).requestsPerMinute;
    const rate = counted ? counted.rate : await rateLimiter.take(id, limit);
    if (suspendedAt) return refuse("key", "WORKSPACE_SUSPENDED");
    touch(actorId);
    return { rate };
  };
}

/** The holder of ADMIN_TOKEN. */
export function operatorCaller(provenance: Provenance): Caller {
  return {
    actorId: "operator",
    label: "operator",
    tier: "operator",
    role: null,
    capabilities: [],
    permissions: new Set(["operate"]),
    queueName: null,
    workspace: null,
    memberId: null,
    memberEmail: null,
    expiresAt: null,
    allowedIps: [],
    rate: null,
    known: null,
    provenance,
  };
}

function isAlive(token: KeyToken, identity: KeyIdentity | undefined): identity is KeyIdentity {
  const rightHash = sameHash(token.hash, identity?.key.hash ?? noHash);
  if (!identity || !rightHash) return false;
  const { key, member, workspace, now } = identity;
  if (key.revokedAt && key.revokedAt <= now) return false;
  if (key.expiresAt && key.expiresAt <= now) return false;
  return member?.status !== "disabled" && !workspace?.deletedAt;
}

/** Until a deadline of the key passes; a little less, as two clocks never go alike. */
function msLeft({ key, now }: KeyIdentity): number {
  const ends = [key.revokedAt, key.expiresAt].map((at) => at?.getTime() ?? Number.POSITIVE_INFINITY);
  return Math.min(...ends) - now.getTime() - clocksDifferMs;
}

async function workspaceOf(
  { key, workspace }: KeyIdentity,
  named: string | undefined,
  { databases }: Services,
): Promise<WorkspaceRow> {
  if (workspace) return workspace;
  if (named === undefined) throw new RotorError("WORKSPACE_REQUIRED");
  const chosen = await findWorkspace(databases.engine, named);
  if (chosen?.teamId !== key.teamId) throw new RotorError("WORKSPACE_NOT_FOUND", { id: named });
  return chosen;
}

function toCaller({ key, member }: KeyIdentity, workspace: WorkspaceRow): Found["caller"] {
  return {
    actorId: key.id,
    label: key.label,
    tier: key.tier,
    role: key.role,
    capabilities: key.capabilities,
    permissions: permissionsOfKey(key, member ?? undefined),
    queueName: key.queueName,
    workspace,
    memberId: member?.id ?? null,
    memberEmail: member?.email ?? null,
    expiresAt: key.expiresAt,
    allowedIps: key.allowedIps,
    rate: null,
    known: null,
  };
}

function isAllowedFrom(ranges: readonly string[], ip: string | null): boolean {
  if (ranges.length === 0) return true;
  if (ip === null) return false;
  const list = new BlockList();
  for (const range of ranges) {
    const [address, bits] = range.split("/") as [string, string | undefined];
    const family = isIPv6(address) ? "ipv6" : "ipv4";
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  // A dual-stack socket shows an IPv4 caller as ::ffff:1.2.3.4.
  const plain = ip.replace(/^::ffff:(?=\d+\.)/i, "");
  return list.check(plain, isIPv6(plain) ? "ipv6" : "ipv4");
}

const touchEveryMs = 60_000;

function createToucher({ databases, log }: Services): (id: string) => void {
  const touched = new Map<string, number>();
  return (id) => {
    const now = performance.now();
    if (now - (touched.get(id) ?? Number.NEGATIVE_INFINITY) < touchEveryMs) return;
    touched.set(id, now);
    touchApiKey(databases.engine, id).catch((error: unknown) => {
      touched.delete(id);
      log.warn({ err: error, keyId: id }, "last use of a key not recorded");
    });
  };
}
