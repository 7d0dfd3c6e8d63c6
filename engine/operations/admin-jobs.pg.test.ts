// What the operator sees and does in workspaces that are not the operator's.

import { contract } from "@rotorsh/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import { call, codeOf, startTestEngine, type TestEngine } from "../testing/index.ts";
import { failure, queueUid, workOff } from "../testing/work.ts";

let rotor: TestEngine;
beforeAll(async () => {
  rotor = await startTestEngine();
});
afterAll(() => rotor.stop());

const operate = <Op extends Parameters<typeof call>[2]>(operation: Op, input: object) =>
  call(rotor.engine, rotor.operator, operation, input as never);

/** A queue in which these jobs failed. */
async function createFailed(workspace: TestEngine["home"], name: string, ids: readonly string[]) {
  await call(rotor.engine, workspace.admin, contract.queues.create, { name, concurrency: 10 });
  const uid = await queueUid(rotor.sql, workspace.id, name);
  const jobs = ids.map((jobId) => ({ jobId, payload: { of: workspace.id } }));
  await call(rotor.engine, workspace.admin, contract.jobs.addBatch, { name, jobs });
  await workOff(rotor.sql, uid, () => failure());
}

test("queues of any workspace are listed with their numbers", async () => {
  await createFailed(rotor.home, "listed", ["a", "b"]);
  const { data } = await operate(contract.admin.listQueues, { id: rotor.home.id });
  expect(data.find(({ name }) => name === "listed")).toMatchObject({ stats: { failed: 2, waiting: 0 } });
  expect(await codeOf(operate(contract.admin.listQueues, { id: "ws_nowhere" }))).toBe("WORKSPACE_NOT_FOUND");
});

test("a job is found by its id; where several have it, the operator is asked which is meant", async () => {
  const other = await rotor.createWorkspace();
  await createFailed(rotor.home, "one", ["same", "single"]);
  await createFailed(rotor.home, "two", ["same"]);
  await createFailed(other, "one", ["same"]);
  expect(await operate(contract.admin.getJob, { id: "single" })).toMatchObject({
    queue: "one",
    state: "failed",
    workspace_id: rotor.home.id,
    payload: { of: rotor.home.id },
  });
  expect(await codeOf(operate(contract.admin.getJob, { id: "same" }))).toBe("INVALID_INPUT");
  const inHome = { id: "same", workspace: rotor.home.id };
  expect(await codeOf(operate(contract.admin.getJob, inHome))).toBe("INVALID_INPUT");
  expect(await operate(contract.admin.getJob, { ...inHome, queue: "two" })).toMatchObject({ queue: "two" });
  expect(await operate(contract.admin.getJob, { id: "same", workspace: other.id })).toMatchObject({
    payload: { of: other.id },
  });
  expect(await codeOf(operate(contract.admin.getJob, { id: "nowhere" }))).toBe("JOB_NOT_FOUND");
});

test("dead letters are counted, listed, and replayed once, in the chain of their workspace", async () => {
  await createFailed(rotor.home, "dead", ["a", "b"]);
  const at = { workspace: rotor.home.id, queue: "dead" };
  expect(await operate(contract.admin.listFailed, at)).toMatchObject({
    depth: 2,
    data: [{ id: "b" }, { id: "a" }],
  });
  const preview = await operate(contract.admin.replayFailed, { ...at, all: true, dry_run: true });
  expect(preview).toMatchObject({ replayed: 0, counts: { matching: 2 } });
  const { confirm_token } = preview;
  expect(await operate(contract.admin.replayFailed, { ...at, all: true, confirm_token })).toMatchObject({
    replayed: 2,
  });
  expect(await operate(contract.admin.replayFailed, { ...at, all: true })).toMatchObject({ replayed: 0 });
  expect(await operate(contract.admin.listFailed, at)).toMatchObject({ depth: 0, data: [] });
  const { data } = await call(rotor.engine, rotor.home.admin, contract.audit.list, { resource_id: "dead" });
  expect(data[0]).toMatchObject({ event_type: "dlq.replayed", actor_id: "operator" });
  const token = { ...at, queue: "listed", all: true, confirm_token };
  expect(await codeOf(operate(contract.admin.replayFailed, token))).not.toBe("ok");
});
