// T-3 and T-6 of keys: nobody hands out, takes over or cuts off more than they have.

import { contract } from "@rotorsh/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  buildKey,
  call,
  codeOf,
  type Grant,
  provenance,
  startTestEngine,
  type TestEngine,
} from "../testing/index.ts";

let rotor: TestEngine;

beforeAll(async () => {
  rotor = await startTestEngine();
  await call(rotor.engine, rotor.home.admin, contract.queues.create, { name: "emails" });
});

afterAll(() => rotor.stop());

const developer: Grant = { role: "developer" };

test.each([
  ["an admin's key", { label: "x", role: "admin" }],
  ["a team key", { label: "x", tier: "team", role: "viewer" }],
  ["an approver's key", { label: "x", role: "approver" }],
  ["a key with the capability approver", { label: "x", capabilities: ["approver"] }],
] as const)("T-3: a developer cannot make %s: FORBIDDEN, and there is an audit event", async (_, input) => {
  const caller = await rotor.home.callerFor(developer);
  const keys = async () => (await rotor.sql`select count(*)::int as keys from api_key`)[0]?.keys;
  const before = await keys();
  const sent = { ...input, capabilities: "capabilities" in input ? [...input.capabilities] : [] };
  expect(await codeOf(call(rotor.engine, caller, contract.apiKeys.create, sent))).toBe("FORBIDDEN");
  expect(await keys()).toBe(before);
  const [event] =
    await rotor.sql`select event_type, metadata from audit_event where actor_id = ${caller.actorId}`;
  expect({ ...event }).toEqual({
    event_type: "access.denied",
    metadata: { operation: "apiKeys.create", code: "FORBIDDEN" },
  });
});

test("a made key opens the door, belongs to its maker, and is shown this once", async () => {
  const caller = await rotor.home.callerFor(developer);
  const made = await call(rotor.engine, caller, contract.apiKeys.create, {
    label: "ci",
    tier: "queue",
    queue: "emails",
  });
  const used = await rotor.engine.authenticate({ token: made.key }, provenance);
  expect([used.tier, used.queueName, used.memberId]).toEqual(["queue", "emails", caller.memberId]);
  const listed = await call(rotor.engine, caller, contract.apiKeys.list, {});
  const found = listed.data.find(({ id }) => id === made.id);
  expect(found).toMatchObject({ prefix: made.key.slice(0, made.prefix.length), last4: made.key.slice(-4) });
  expect(JSON.stringify(listed)).not.toContain(made.key);
});

test("a queue key needs its queue, and no other key has one: INVALID_INPUT", async () => {
  const make = (input: object) =>
    codeOf(rotor.engine.callAs(rotor.home.admin)(contract.apiKeys.create, input));
  expect(await make({ label: "x", tier: "queue" })).toBe("INVALID_INPUT");
  expect(await make({ label: "x", tier: "workspace", queue: "emails" })).toBe("INVALID_INPUT");
});

test("a developer can neither revoke nor rotate an admin's key: FORBIDDEN", async () => {
  const caller = await rotor.home.callerFor(developer);
  const { id } = await buildKey(rotor.sql, rotor.home, { role: "admin" });
  expect(await codeOf(call(rotor.engine, caller, contract.apiKeys.revoke, { id }))).toBe("FORBIDDEN");
  expect(await codeOf(call(rotor.engine, caller, contract.apiKeys.revoke, { id, dry_run: true }))).toBe(
    "FORBIDDEN",
  );
  expect(await codeOf(call(rotor.engine, caller, contract.apiKeys.rotate, { id }))).toBe("FORBIDDEN");
});

test("a developer may revoke a colleague's key but not take it over by rotating it", async () => {
  const caller = await rotor.home.callerFor(developer);
  const { id } = await buildKey(rotor.sql, rotor.home, developer);
  expect(await codeOf(call(rotor.engine, caller, contract.apiKeys.rotate, { id }))).toBe("FORBIDDEN");
  expect(
    await codeOf(call(rotor.engine, rotor.home.admin, contract.apiKeys.rotate, { id, grace_seconds: 60 })),
  ).toBe("ok");
  expect(await codeOf(call(rotor.engine, caller, contract.apiKeys.revoke, { id }))).toBe("ok");
});

test("anybody may revoke the key they came with, also when its member may do less by now", async () => {
  const caller = await rotor.home.callerFor({ role: "admin", member: "developer" });
  expect(await codeOf(call(rotor.engine, caller, contract.apiKeys.revoke, { id: caller.actorId }))).toBe(
    "ok",
  );
});

test("a rotated key has the rights, the owner and the expiry of the old one", async () => {
  const made = await call(rotor.engine, rotor.home.admin, contract.apiKeys.create, {
    label: "ci",
    expires_in_days: 5,
  });
  const renewed = await call(rotor.engine, rotor.home.admin, contract.apiKeys.rotate, { id: made.id });
  const { role, tier, member_id, expires_at, label } = made;
  expect(renewed).toMatchObject({ role, tier, member_id, expires_at, label });
  expect(renewed.key).not.toBe(made.key);
});

test("a dead key is neither rotated nor extended: KEY_REVOKED", async () => {
  const { id } = await buildKey(rotor.sql, rotor.home, { expiresAt: new Date("2020-01-01T00:00:00Z") });
  expect(await codeOf(call(rotor.engine, rotor.home.admin, contract.apiKeys.rotate, { id }))).toBe(
    "KEY_REVOKED",
  );
  expect(await codeOf(call(rotor.engine, rotor.home.admin, contract.apiKeys.extend, { id }))).toBe(
    "KEY_REVOKED",
  );
});

test("extending a key never shortens its life", async () => {
  const long = await call(rotor.engine, rotor.home.admin, contract.apiKeys.create, {
    label: "x",
    expires_in_days: 80,
  });
  const extend = (id: string, days: number) =>
    call(rotor.engine, rotor.home.admin, contract.apiKeys.extend, { id, days });
  expect((await extend(long.id, 10)).expires_at).toBe(long.expires_at);
  const later = (await extend(long.id, 200)).expires_at as string;
  expect(later > (long.expires_at as string)).toBe(true);
  const { id } = await buildKey(rotor.sql, rotor.home, { expiresAt: null });
  expect((await extend(id, 10)).expires_at).toBeNull();
});

test("a developer sees team keys listed, and cannot touch them: FORBIDDEN", async () => {
  const { id } = await buildKey(rotor.sql, rotor.home, { tier: "team", role: "viewer" });
  const caller = await rotor.home.callerFor(developer);
  const { data } = await call(rotor.engine, caller, contract.apiKeys.list, {});
  expect(data.map((key) => key.id)).toContain(id);
  expect(await codeOf(call(rotor.engine, caller, contract.apiKeys.revoke, { id }))).toBe("FORBIDDEN");
  expect(await codeOf(call(rotor.engine, rotor.home.admin, contract.apiKeys.revoke, { id }))).toBe("ok");
});

test("the pages of a list of keys made in one moment hold each of them once", async () => {
  const home = await rotor.createWorkspace();
  await Promise.all(Array.from({ length: 12 }, () => buildKey(rotor.sql, home, {})));
  await rotor.sql`update api_key set created_at = date_trunc('day', created_at) where workspace_id = ${home.id}`;
  const seen: string[] = [];
  const list = (cursor?: string) =>
    call(rotor.engine, home.admin, contract.apiKeys.list, { limit: 5, ...(cursor && { cursor }) });
  for (let page = await list(); ; page = await list(page.nextCursor)) {
    seen.push(...page.data.map(({ id }) => id));
    if (page.nextCursor === null) break;
  }
  expect([seen.length, new Set(seen).size]).toEqual([13, 13]);
});

test("a developer's key makes no key that lives longer, or works from more addresses, than itself", async () => {
  const own = { expiresAt: new Date(Date.now() + 24 * 60 * 60 * 1000), allowedIps: ["127.0.0.1"] };
  const caller = { ...(await rotor.home.callerFor(developer)), ...own };
  const made = await call(rotor.engine, caller, contract.apiKeys.create, {
    label: "child",
    expires_in_days: 90,
  });
  expect(made.expires_at).toBe(own.expiresAt.toISOString());
  expect(made.allowed_ips).toEqual(own.allowedIps);
  const admin = { ...rotor.home.admin, ...own };
  const free = await call(rotor.engine, admin, contract.apiKeys.create, {
    label: "free",
    expires_in_days: 90,
  });
  expect(Date.parse(free.expires_at as string)).toBeGreaterThan(own.expiresAt.getTime());
  expect(free.allowed_ips).toEqual([]);
});

test("the keys of a deleted queue do not open a later queue of the same name", async () => {
  const name = "short-lived";
  await call(rotor.engine, rotor.home.admin, contract.queues.create, { name });
  const queueKey = { label: "q", tier: "queue", role: "developer", queue: name } as const;
  const { key } = await call(rotor.engine, rotor.home.admin, contract.apiKeys.create, queueKey);
  await call(rotor.engine, rotor.home.admin, contract.queues.delete, { name });
  await call(rotor.engine, rotor.home.admin, contract.queues.create, { name });
  expect(await codeOf(rotor.engine.authenticate({ token: key }, provenance))).toBe("UNAUTHENTICATED");
});
