// Members and keys as rows, so that a test can have any of them without asking the code it tests.

import type { Capability, KeyTier, Role } from "@rotorsh/contract";
import type postgres from "postgres";
import type { Provenance } from "../caller.ts";
import { newId } from "../ids.ts";
import { mintKey } from "../vault/key-token.ts";

export const provenance: Provenance = {
  surface: "rest",
  client: "vitest/1",
  requestId: "req_1",
  traceId: "trace_1",
  ip: "192.0.2.7",
  userAgent: "vitest",
};

export type Grant = {
  role?: Role;
  /** Role of the key's member when it is not the key's own; null for a key of nobody. */
  member?: Role | null;
  capabilities?: Capability[];
  tier?: KeyTier;
  /** The queue of a queue key. */
  queue?: string;
  allowedIps?: string[];
  expiresAt?: Date | null;
};

export type BuiltKey = { token: string; id: string; memberId: string | null };

/** Only what the rows need to know of their workspace. */
export type Home = { id: string; teamId: string };

export async function buildMember(
  sql: postgres.Sql,
  workspaceId: string,
  { role = "developer", capabilities = [] }: Pick<Grant, "role" | "capabilities">,
): Promise<string> {
  const id = newId("mem");
  await sql`insert into member (id, workspace_id, email, role, capabilities, status, created_at, updated_at)
    values (${id}, ${workspaceId}, ${`${id}@example.com`}, ${role}, ${capabilities}, 'active', rotor_now(), rotor_now())`;
  return id;
}

export async function buildKey(sql: postgres.Sql, home: Home, grant: Grant): Promise<BuiltKey> {
  const { role = "developer", capabilities = [], tier = "workspace", queue = null } = grant;
  const { allowedIps = [], expiresAt = null, member = role } = grant;
  const memberId = member && (await buildMember(sql, home.id, { role: member, capabilities }));
  const { id, token, hash, prefix, last4 } = mintKey(tier);
  await sql`insert into api_key (id, tier, team_id, workspace_id, queue_name, label, role, capabilities, hash, prefix,
      last4, member_id, allowed_ips, expires_at, created_at)
    values (${id}, ${tier}, ${home.teamId}, ${tier === "team" ? null : home.id}, ${queue}, 'built', ${role},
      ${capabilities}, ${hash}, ${prefix}, ${last4}, ${memberId}, ${allowedIps}, ${expiresAt}, rotor_now())`;
  return { id, token, memberId };
}
