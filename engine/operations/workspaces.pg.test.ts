// The life of a workspace: founded, renamed, suspended, deleted.

import { contract, type RotorError } from "@rotorsh/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Engine } from "../engine.ts";
import { call, codeOf, provenance, startTestEngine, type TestEngine, testOptions } from "../testing/index.ts";
import { createVault } from "../vault/vault.ts";

let rotor: TestEngine;
let peer: Engine;

beforeAll(async () => {
  rotor = await startTestEngine();
  peer = await rotor.startPeer();
});

afterAll(() => rotor.stop());

const { admin, workspaces, queues } = contract;
const enter = (token: string, workspaceId?: string, engine = rotor.engine) =>
  engine.authenticate({ token, workspaceId }, provenance);

test("a new workspace has an admin, whose key opens it", async () => {
  const made = await call(rotor.engine, rotor.operator, admin.createWorkspace, {
    name: "new",
    owner_email: "o@example.com",
  });
  const caller = await enter(made.key);
  const who = await call(rotor.engine, caller, contract.whoami.get, {});
  expect(who).toMatchObject({
    workspace_id: made.id,
    role: "admin",
    member_email: "o@example.com",
    team_id: made.team_id,
  });
  expect(who.permissions.toSorted()).toEqual(["approve", "develop", "manage", "read"]);
});

test("a workspace can only be put into a team that exists: INVALID_INPUT", async () => {
  const input = { name: "x", owner_email: "o@example.com", team_id: "team_unknown" };
  const refusal = call(rotor.engine, rotor.operator, admin.createWorkspace, input);
  await expect(refusal).rejects.toMatchObject({
    code: "INVALID_INPUT",
    details: { problems: [{ path: "team_id" }] },
  });
});

test("a suspension is not undone by another change of the same moment", async () => {
  for (let round = 0; round < 10; round++) {
    const { id } = await rotor.createWorkspace();
    const change = (input: object, engine: Engine) =>
      call(engine, rotor.operator, admin.updateWorkspace, { id, ...input });
    await Promise.all([
      change({ suspended: true }, rotor.engine),
      ...[1, 2, 3].map((count) => change({ requests_per_minute: count }, peer)),
    ]);
    const { suspended_at } = await call(rotor.engine, rotor.operator, admin.getWorkspace, { id });
    expect(suspended_at).not.toBeNull();
  }
});

test("of two deletions at the same moment one is done, and the audit log has one", async () => {
  const { id } = await rotor.createWorkspace();
  const codes = await Promise.all(
    [rotor.engine, peer].map((engine) => codeOf(call(engine, rotor.operator, admin.deleteWorkspace, { id }))),
  );
  expect(codes.toSorted()).toEqual(["WORKSPACE_NOT_FOUND", "ok"]);
  const events =
    await rotor.sql`select 1 from audit_event where workspace_id = ${id} and event_type = 'workspace.deleted'`;
  expect(events).toHaveLength(1);
});

test("its admin may rename it; the change is in the answer, in the list and in every process", async () => {
  const home = await rotor.createWorkspace();
  const renamed = await call(rotor.engine, home.admin, workspaces.update, {
    id: home.id,
    name: "  Better  ",
  });
  expect(renamed.name).toBe("Better");
  const token = await home.tokenFor();
  const { workspace_name } = await call(peer, await enter(token, undefined, peer), contract.whoami.get, {});
  expect(workspace_name).toBe("Better");
});

test("the operator changes plan and limits; null goes back to the plan's", async () => {
  const { id } = await rotor.createWorkspace("free");
  const change = (input: object) =>
    rotor.engine.callAs(rotor.operator)(admin.updateWorkspace, { id, ...input });
  expect(await change({ plan: "pro" })).toMatchObject({
    plan: "pro",
    limits: { requests_per_minute: 300, retention_days: 30 },
  });
  const custom = { requests_per_minute: 5, executions_per_month: 0, retention_days: 3 };
  expect(await change(custom)).toMatchObject({ limits: custom });
  const plan = { requests_per_minute: 300, executions_per_month: 100_000, retention_days: 30 };
  expect(
    await change({ requests_per_minute: null, executions_per_month: null, retention_days: null }),
  ).toMatchObject({
    limits: plan,
  });
});

test("a suspended workspace is refused in every process with the next request, and let in again when lifted", async () => {
  const home = await rotor.createWorkspace();
  const tokens = [await home.tokenFor(), await home.tokenFor({ role: "admin" })];
  const codes = async () =>
    Promise.all(
      tokens.flatMap((token) =>
        [rotor.engine, peer].map((engine) => codeOf(enter(token, undefined, engine))),
      ),
    );
  const suspend = (suspended: boolean) =>
    call(rotor.engine, rotor.operator, admin.updateWorkspace, { id: home.id, suspended });
  expect(await codes()).toEqual(["ok", "ok", "ok", "ok"]);
  const first = await suspend(true);
  expect(await codes()).toEqual(Array(4).fill("WORKSPACE_SUSPENDED"));
  expect((await suspend(true)).suspended_at).toBe(first.suspended_at);
  expect((await suspend(false)).suspended_at).toBeNull();
  expect(await codes()).toEqual(["ok", "ok", "ok", "ok"]);
});

test("deleting a workspace ends its keys at once, in every process, and it is found no more", async () => {
  const home = await rotor.createWorkspace();
  const token = await home.tokenFor();
  await call(rotor.engine, home.admin, queues.create, { name: "q" });
  const tried = await call(rotor.engine, rotor.operator, admin.deleteWorkspace, {
    id: home.id,
    dry_run: true,
  });
  expect(tried).toEqual({ deleted: false, queues: 1, api_keys: 2, members: 2 });
  expect(await codeOf(enter(token))).toBe("ok");
  const done = await call(rotor.engine, rotor.operator, admin.deleteWorkspace, { id: home.id });
  expect(done).toEqual({ ...tried, deleted: true });
  expect([await codeOf(enter(token)), await codeOf(enter(token, undefined, peer))]).toEqual([
    "UNAUTHENTICATED",
    "UNAUTHENTICATED",
  ]);
  const { id } = home;
  const codes = await Promise.all([
    codeOf(call(rotor.engine, rotor.operator, admin.getWorkspace, { id })),
    codeOf(call(rotor.engine, rotor.operator, admin.updateWorkspace, { id, suspended: false })),
    codeOf(call(rotor.engine, rotor.operator, admin.deleteWorkspace, { id })),
  ]);
  expect(new Set(codes)).toEqual(new Set(["WORKSPACE_NOT_FOUND"]));
});

test("the secrets of a deleted workspace cannot be read any more, whatever copy of them there is", async () => {
  const home = await rotor.createWorkspace();
  await call(rotor.engine, home.admin, queues.create, { name: "q", callback_url: "https://a.example/" });
  const vault = createVault(testOptions("").keyRing);
  const read = async () => {
    const [row] = await rotor.sql`
      select w.data_key, q.secret from workspace w join queue q on q.workspace_id = w.id where w.id = ${home.id}`;
    return vault.open({ id: home.id, dataKey: row?.data_key }, "queue|q", row?.secret);
  };
  expect(await read()).toMatch(/^whsec_/);
  await call(rotor.engine, rotor.operator, admin.deleteWorkspace, { id: home.id });
  await expect(read()).rejects.toThrow("were shredded");
});

test("the audit log of a deleted workspace is kept, with the deletion in it", async () => {
  const home = await rotor.createWorkspace();
  await call(rotor.engine, rotor.operator, admin.deleteWorkspace, { id: home.id });
  const rows =
    await rotor.sql`select event_type from audit_event where workspace_id = ${home.id} order by seq`;
  expect(rows.map((row) => row.event_type)).toEqual(["workspace.created", "workspace.deleted"]);
});

test("the workspace default, once deleted, stays deleted when a server starts", async () => {
  const givenKeys = [
    {
      token: (await call(rotor.engine, rotor.home.admin, contract.apiKeys.create, { label: "x" })).key,
      label: "boot",
      role: "admin" as const,
    },
  ];
  await call(rotor.engine, rotor.operator, admin.deleteWorkspace, { id: "ws_default" });
  await rotor.startPeer({ givenKeys });
  expect(await codeOf(call(rotor.engine, rotor.operator, admin.getWorkspace, { id: "ws_default" }))).toBe(
    "WORKSPACE_NOT_FOUND",
  );
});

test("a deleted workspace's id is not taken again", async () => {
  const home = await rotor.createWorkspace();
  await call(rotor.engine, rotor.operator, admin.deleteWorkspace, { id: home.id });
  const again = rotor.sql`insert into workspace (id, team_id, name, plan, created_at, updated_at)
    values (${home.id}, ${home.teamId}, 'again', 'free', now(), now())`;
  await expect(again).rejects.toMatchObject({ code: "23505" });
});

test("a call that was let in before the deletion can no longer make a key that works", async () => {
  const home = await rotor.createWorkspace();
  await call(rotor.engine, rotor.operator, admin.deleteWorkspace, { id: home.id });
  const made = await call(rotor.engine, home.admin, contract.apiKeys.create, { label: "late" }).catch(
    (error: RotorError) => error,
  );
  if ("key" in made) expect(await codeOf(enter(made.key))).toBe("UNAUTHENTICATED");
});
