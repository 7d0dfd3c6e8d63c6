// Who may do what. A role is a set of permissions; a key can never do more than the member it belongs to.

import type { Capability, Permission, Role } from "@rotorsh/contract";

const permissionsByRole: Record<Role, readonly Permission[]> = {
  admin: ["read", "develop", "approve", "manage"],
  developer: ["read", "develop"],
  approver: ["read", "approve"],
  viewer: ["read"],
};

export type Grant = { role: Role; capabilities: readonly Capability[] };

export function permissionsOf({ role, capabilities }: Grant): Set<Permission> {
  const permissions = new Set<Permission>(permissionsByRole[role]);
  if (capabilities.includes("approver")) permissions.add("approve");
  return permissions;
}

/** What a key may do: what it was given, and its member may still do. A key of nobody only reads. */
export function permissionsOfKey(key: Grant, member: Grant | undefined): Set<Permission> {
  const limit = permissionsOf(member ?? { role: "viewer", capabilities: [] });
  return new Set([...permissionsOf(key)].filter((permission) => limit.has(permission)));
}

/** The first permission that `grant` holds and `permissions` lacks, so that nobody hands out more than they have. */
export function missingFor(grant: Grant, permissions: ReadonlySet<Permission>): Permission | undefined {
  return [...permissionsOf(grant)].find((permission) => !permissions.has(permission));
}
