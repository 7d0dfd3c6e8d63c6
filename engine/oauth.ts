// From an access token of the operator's identity provider to a caller: the member with the token's e-mail address,
// with no more rights than the token's scopes give away.

import { type Permission, RotorError } from "@rotorsh/contract";
import type { Caller, Provenance } from "./caller.ts";
import { permissionsOf } from "./core/access.ts";
import { limitsOf } from "./core/plan.ts";
import type { Services } from "./handler.ts";
import { createIdentityProvider } from "./outbound/identity-provider.ts";
import { findMemberships } from "./store/members.ts";
import { type Claims, keyIdOf, readToken } from "./vault/jwt.ts";

export type OAuthOptions = {
  /** Who issues tokens, exactly as their `iss` says. */
  issuer: string;
  /** Whom tokens must be for, exactly as their `aud` says: this server. */
  audience: string;
  /** Where the issuer's keys are; found through its metadata when left out. */
  jwksUrl?: string | undefined;
};

/** What a token may give away, by scope. */
export const scopes = {
  "rotor:read": "read",
  "rotor:develop": "develop",
  "rotor:approve": "approve",
  "rotor:manage": "manage",
} as const satisfies Record<string, Permission>;

export type AuthenticateToken = (
  token: string,
  workspaceId: string | undefined,
  provenance: Provenance,
) => Promise<Caller>;

export function createAuthenticateToken(services: Services, options: OAuthOptions): AuthenticateToken {
  const { issuer, audience, jwksUrl } = options;
  const provider = createIdentityProvider(issuer, jwksUrl);
  return async (token, asked, provenance) => {
    const named = keyIdOf(token);
    if (!named) throw new RotorError("UNAUTHENTICATED");
    const keys = await provider.keys(named.kid).catch((cause: unknown) => {
      throw new RotorError("UNAVAILABLE", {}, { cause });
    });
    const claims = readToken(token, keys, { issuer, audience, now: new Date() });
    const email = claims && emailOf(claims);
    if (!email) throw new RotorError("UNAUTHENTICATED");
    const workspaceId = typeof claims.rotor_workspace === "string" ? claims.rotor_workspace : asked;
    if (asked !== undefined && asked !== workspaceId) throw new RotorError("WORKSPACE_MISMATCH");
    const found = await findMemberships(services.databases.engine, email, workspaceId);
    const [membership] = found;
    if (!membership) throw new RotorError("UNAUTHENTICATED");
    if (found.length > 1) throw new RotorError("WORKSPACE_REQUIRED");
    const { member, workspace } = membership;
    const given = permissionsOf(member);
    const permissions = new Set(scopesOf(claims).filter((permission) => given.has(permission)));
    const rate = await services.rateLimiter.take(
      workspace.id,
      limitsOf(workspace.plan, workspace).requestsPerMinute,
    );
    if (workspace.suspendedAt) throw new RotorError("WORKSPACE_SUSPENDED");
    return {
      actorId: member.id,
      label: email,
      tier: "workspace",
      role: member.role,
      capabilities: member.capabilities,
      permissions,
      queueName: null,
      workspace,
      memberId: member.id,
      memberEmail: email,
      expiresAt: new Date(Number(claims.exp) * 1000),
      allowedIps: [],
      rate,
      known: null,
      provenance,
    };
  };
}

/** An address that the provider itself does not vouch for is nobody's. */
function emailOf({ email, email_verified: verified }: Claims): string | undefined {
  return typeof email === "string" && verified !== false ? email.toLowerCase() : undefined;
}

function scopesOf({ scope, scp }: Claims): Permission[] {
  const said = typeof scope === "string" ? scope.split(" ") : Array.isArray(scp) ? scp.map(String) : [];
  return said.flatMap((name) => (Object.hasOwn(scopes, name) ? [scopes[name as keyof typeof scopes]] : []));
}
