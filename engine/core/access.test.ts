import { type Capability, type Permission, type Role, roles } from "@rotorsh/contract";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Grant, missingFor, permissionsOf, permissionsOfKey } from "./access.ts";

const expected: Record<Role, Permission[]> = {
  admin: ["read", "develop", "approve", "manage"],
  developer: ["read", "develop"],
  approver: ["read", "approve"],
  viewer: ["read"],
};

test.each(roles)("the role %s has its permissions and no other", (role) => {
  expect(permissionsOf({ role, capabilities: [] })).toEqual(new Set(expected[role]));
});

test.each(roles)("the capability approver adds one permission to %s and takes none", (role) => {
  const permissions = permissionsOf({ role, capabilities: ["approver"] });
  expect(permissions).toEqual(new Set([...expected[role], "approve"]));
});

test("no role may do what only the operator may", () => {
  for (const role of roles)
    expect(permissionsOf({ role, capabilities: ["approver"] })).not.toContain("operate");
});

test("a key of nobody only reads, whatever it was given", () => {
  for (const role of roles) {
    expect(permissionsOfKey({ role, capabilities: ["approver"] }, undefined)).toEqual(new Set(["read"]));
  }
});

const anyGrant: fc.Arbitrary<Grant> = fc.record({
  role: fc.constantFrom(...roles),
  capabilities: fc.subarray<Capability>(["approver"]),
});

test("a key does nothing that its member or its own grant does not cover", () => {
  fc.assert(
    fc.property(anyGrant, anyGrant, (key, member) => {
      const permissions = permissionsOfKey(key, member);
      const both = [permissionsOf(key), permissionsOf(member)];
      const shared = [...(both[0] as Set<Permission>)].filter((one) => both[1]?.has(one));
      expect(permissions).toEqual(new Set(shared));
    }),
  );
});

test("a grant is within permissions exactly when it adds none to them", () => {
  fc.assert(
    fc.property(anyGrant, anyGrant, (grant, holder) => {
      const held = permissionsOf(holder);
      const union = new Set([...held, ...permissionsOf(grant)]);
      const missing = missingFor(grant, held);
      expect(missing === undefined).toBe(union.size === held.size);
      if (missing) expect(held.has(missing)).toBe(false);
    }),
  );
});
