// Keys that reach every workspace of a team, one at a time.

import { contract, type RotorError } from "@rotorsh/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import { call, codeOf, provenance, startTestEngine, type TestEngine } from "../testing/index.ts";

let rotor: TestEngine;

beforeAll(async () => {
  rotor = await startTestEngine();
});

afterAll(() => rotor.stop());

const { admin, workspaces, queues } = contract;
const enter = (token: string, workspaceId?: string) =>
  rotor.engine.authenticate({ token, workspaceId }, provenance);

async function team() {
  const first = await rotor.createWorkspace();
  const second = await rotor.createWorkspace("unlimited", first.teamId);
  const token = await first.tokenFor({ tier: "team", role: "admin" });
  return { first, second, token };
}

test("a team key says which workspace it is used for: WORKSPACE_REQUIRED", async () => {
  const { token, first, second } = await team();
  expect(await codeOf(enter(token))).toBe("WORKSPACE_REQUIRED");
  expect((await enter(token, first.id)).workspace?.id).toBe(first.id);
  expect((await enter(token, second.id)).workspace?.id).toBe(second.id);
});

test("a workspace of another team, a deleted one and one that never was are one and the same to a team key", async () => {
  const { token, second } = await team();
  const stranger = await rotor.createWorkspace();
  await call(rotor.engine, rotor.operator, admin.deleteWorkspace, { id: second.id });
  const ids = [stranger.id, second.id, "ws_unknown"];
  const bodies = await Promise.all(
    ids.map((id) =>
      enter(token, id).catch((error: RotorError) => JSON.stringify(error.toBody()).replaceAll(id, "…")),
    ),
  );
  expect(new Set(bodies).size).toBe(1);
  expect(bodies[0]).toContain("WORKSPACE_NOT_FOUND");
});

test("a workspace key may name its own workspace and no other: WORKSPACE_MISMATCH", async () => {
  const { first, second } = await team();
  const token = await first.tokenFor();
  expect(await codeOf(enter(token, first.id))).toBe("ok");
  expect(await codeOf(enter(token, second.id))).toBe("WORKSPACE_MISMATCH");
  const events = await rotor.sql`
    select metadata from audit_event where workspace_id = ${first.id} and event_type = 'access.denied'`;
  expect(events.map(({ metadata }) => metadata)).toEqual([{ operation: "key", code: "WORKSPACE_MISMATCH" }]);
});

test("a team key lists and reads the workspaces of its team, and changes the one it named", async () => {
  const { token, first, second } = await team();
  const caller = await enter(token, first.id);
  const { data } = await call(rotor.engine, caller, workspaces.list, {});
  expect(data.map(({ id }) => id).toSorted()).toEqual([first.id, second.id].toSorted());
  expect((await call(rotor.engine, caller, workspaces.get, { id: second.id })).id).toBe(second.id);
  expect(await codeOf(call(rotor.engine, caller, workspaces.update, { id: second.id, name: "x" }))).toBe(
    "WORKSPACE_NOT_FOUND",
  );
  expect(await codeOf(call(rotor.engine, caller, workspaces.update, { id: first.id, name: "x" }))).toBe("ok");
});

test("a workspace key lists its own workspace only", async () => {
  const { first } = await team();
  const { data } = await call(rotor.engine, first.admin, workspaces.list, {});
  expect(data.map(({ id }) => id)).toEqual([first.id]);
});

test("a team key works in one workspace at a time: what it makes there is not elsewhere", async () => {
  const { token, first, second } = await team();
  await call(rotor.engine, await enter(token, first.id), queues.create, { name: "here" });
  const there = call(rotor.engine, await enter(token, second.id), queues.get, { name: "here" });
  expect(await codeOf(there)).toBe("QUEUE_NOT_FOUND");
});
