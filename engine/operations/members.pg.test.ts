// T-6: a workspace never loses its last admin.

import { contract } from "@rotorsh/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  buildKey,
  buildMember,
  call,
  codeOf,
  startTestEngine,
  type TestEngine,
  type TestWorkspace,
} from "../testing/index.ts";

let rotor: TestEngine;

beforeAll(async () => {
  rotor = await startTestEngine();
});

afterAll(() => rotor.stop());

const { update, remove, invite } = contract.members;

const admins = async ({ id }: TestWorkspace) =>
  (
    await rotor.sql`select count(*)::int as left from member
    where workspace_id = ${id} and role = 'admin' and status = 'active'`
  )[0]?.left as number;

test("the last admin can be demoted, disabled or removed by nobody: LAST_ADMIN", async () => {
  const home = await rotor.createWorkspace();
  const id = home.admin.memberId as string;
  expect(await codeOf(call(rotor.engine, home.admin, update, { id, role: "developer" }))).toBe("LAST_ADMIN");
  expect(await codeOf(call(rotor.engine, home.admin, update, { id, status: "disabled" }))).toBe("LAST_ADMIN");
  expect(await codeOf(call(rotor.engine, home.admin, remove, { id }))).toBe("LAST_ADMIN");
  expect(await admins(home)).toBe(1);
});

test("an admin who has only been invited does not count", async () => {
  const home = await rotor.createWorkspace();
  await call(rotor.engine, home.admin, invite, { email: "later@example.com", role: "admin" });
  const id = home.admin.memberId as string;
  expect(await codeOf(call(rotor.engine, home.admin, update, { id, role: "viewer" }))).toBe("LAST_ADMIN");
});

test("one of two admins may leave", async () => {
  const home = await rotor.createWorkspace();
  const second = await buildMember(rotor.sql, home.id, { role: "admin" });
  expect(await codeOf(call(rotor.engine, home.admin, remove, { id: second }))).toBe("ok");
});

test("of two admins who demote each other at the same moment, one stays", async () => {
  for (let round = 0; round < 10; round++) {
    const home = await rotor.createWorkspace();
    const other = await home.callerFor({ role: "admin" });
    const demote = (by: typeof other, whom: typeof other) =>
      codeOf(call(rotor.engine, by, update, { id: whom.memberId as string, role: "viewer" }));
    const codes = await Promise.all([demote(home.admin, other), demote(other, home.admin)]);
    expect(codes.toSorted()).toEqual(["LAST_ADMIN", "ok"]);
    expect(await admins(home)).toBe(1);
  }
});

test("of two admins who remove each other and themselves at the same moment, one stays", async () => {
  const home = await rotor.createWorkspace();
  const peer = await rotor.startPeer();
  const other = await home.callerFor({ role: "admin" });
  const ids = [home.admin.memberId, other.memberId] as string[];
  const codes = await Promise.all(
    ids.flatMap((id) =>
      [rotor.engine, peer].map((engine) => codeOf(call(engine, home.admin, remove, { id }))),
    ),
  );
  expect(codes.filter((code) => code === "ok")).toHaveLength(1);
  expect(await admins(home)).toBe(1);
});

test("a person is a member once, however the address is written: MEMBER_EXISTS", async () => {
  const home = await rotor.createWorkspace();
  expect(await codeOf(call(rotor.engine, home.admin, invite, { email: "ada@example.com" }))).toBe("ok");
  expect(await codeOf(call(rotor.engine, home.admin, invite, { email: "ADA@Example.com" }))).toBe(
    "MEMBER_EXISTS",
  );
  const other = await rotor.createWorkspace();
  expect(await codeOf(call(rotor.engine, other.admin, invite, { email: "ada@example.com" }))).toBe("ok");
});

test("the keys of a disabled member stay dead when the member is removed", async () => {
  const home = await rotor.createWorkspace();
  const key = await buildKey(rotor.sql, home, { role: "admin" });
  const teamKey = await buildKey(rotor.sql, home, { tier: "team" });
  await rotor.sql`update api_key set member_id = ${key.memberId} where id = ${teamKey.id}`;
  const id = key.memberId as string;
  await call(rotor.engine, home.admin, update, { id, status: "disabled" });
  await call(rotor.engine, home.admin, remove, { id });
  const enter = (token: string, workspaceId?: string) =>
    codeOf(rotor.engine.authenticate({ token, workspaceId }, home.admin.provenance));
  expect([await enter(key.token), await enter(teamKey.token, home.id)]).toEqual([
    "UNAUTHENTICATED",
    "UNAUTHENTICATED",
  ]);
});

test("the keys of a removed member act as viewer from then on", async () => {
  const home = await rotor.createWorkspace();
  const token = await home.tokenFor({ role: "admin" });
  const enter = () => rotor.engine.authenticate({ token }, home.admin.provenance);
  const id = (await enter()).memberId as string;
  await call(rotor.engine, home.admin, remove, { id });
  expect([...(await enter()).permissions]).toEqual(["read"]);
});
