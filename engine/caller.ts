// Who is asking, through what, and what they may do. Built once per request, at the edge.

import type { Capability, KeyTier, Permission, Role, Surface } from "@rotorsh/contract";
import type { WorkspaceRow } from "./store/workspaces.ts";

/** Where a request came from; every audit event, job and run carries it. */
export type Provenance = {
  surface: Surface;
  /** Name and version of the calling program, e.g. `claude-code/2.1`. */
  client: string | null;
  requestId: string | null;
  traceId: string | null;
  ip: string | null;
  userAgent: string | null;
};

/** How far a workspace is through its minute, for the RateLimit headers; null where nothing limits it. */
export type RateState = { limit: number; remaining: number; resetSeconds: number } | null;

export type Caller = {
  /** Id of the API key, `operator`, or `system`. */
  actorId: string;
  label: string;
  tier: KeyTier | "operator";
  role: Role | null;
  capabilities: readonly Capability[];
  permissions: ReadonlySet<Permission>;
  /** The one queue a queue key may touch. */
  queueName: string | null;
  /** Null for the operator, who belongs to none. */
  workspace: WorkspaceRow | null;
  memberId: string | null;
  memberEmail: string | null;
  expiresAt: Date | null;
  /** Where the key may be used from; empty for anywhere. */
  allowedIps: readonly string[];
  rate: RateState;
  /**
   * Set for who is known from an earlier request: at which version their rights were read, and how to read them again.
   * The work itself must check that the version still holds.
   */
  known: { access: number; again(): Promise<Caller> } | null;
  provenance: Provenance;
};
