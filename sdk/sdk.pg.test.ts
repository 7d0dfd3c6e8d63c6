// The client against the real server, over a real socket.

import { contract, listOperations, type Operation, type OperationTree } from "@rotorsh/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestServer, type TestServer } from "../mcp/testing/server.ts";
import { callOverHttp, isRotorError, Rotor, RotorIdempotencyConflict } from "./index.ts";

let server: TestServer;
let rotor: Rotor;

beforeAll(async () => {
  server = await startTestServer();
  rotor = new Rotor({ url: server.url, apiKey: server.adminKey, adminToken: server.adminToken });
});

afterAll(() => server?.close());

test("a queue is created, changed, found and deleted", async () => {
  const created = await rotor.queues.create({ name: "outreach", retry_attempts: 5 });
  expect(created).toMatchObject({ name: "outreach", retry_attempts: 5, mode: "pull" });
  const updated = await rotor.queues.update("outreach", { concurrency: 7, rate_limit: null });
  expect(updated.concurrency).toBe(7);
  expect((await rotor.queues.setState("outreach", "pause")).state).toBe("paused");
  expect((await rotor.queues.list({ state: "paused" })).data.map(({ name }) => name)).toEqual(["outreach"]);
  expect(await rotor.queues.delete("outreach", { dry_run: true })).toMatchObject({ deleted: false });
  expect(await rotor.queues.delete("outreach", { with_jobs: true })).toEqual({ deleted: true, jobs: 0 });
  await expect(rotor.queues.get("outreach")).rejects.toMatchObject({
    code: "QUEUE_NOT_FOUND",
    requestId: expect.stringMatching(/^req_/),
  });
});

test("jobs are enqueued one by one or together, and the strict mode tells a duplicate", async () => {
  await rotor.queues.create({ name: "jobs" });
  const job = await rotor.jobs.enqueue("jobs", {
    payload: { leadId: "lead_123" },
    delay: "1h",
    jobId: "a:1",
  });
  expect(await rotor.jobs.get("jobs", job.id)).toMatchObject({
    payload: { leadId: "lead_123" },
    state: "delayed",
  });
  const { jobs } = await rotor.jobs.addBatch("jobs", [{ payload: 1 }, { payload: 2, delay: 60 }]);
  expect(jobs).toHaveLength(2);
  expect((await rotor.jobs.enqueueBatch("jobs", [{ payload: 3 }])).jobs).toHaveLength(1);
  expect(await rotor.jobs.enqueue("jobs", { jobId: "a:1" })).toMatchObject({ id: "a:1", duplicate: true });
  const again = await rotor.jobs
    .enqueue("jobs", { jobId: "a:1", strict: true })
    .catch((error: unknown) => error);
  expect(again).toBeInstanceOf(RotorIdempotencyConflict);
  expect(await rotor.jobs.list("jobs", { status: "delayed" })).toMatchObject({ nextCursor: null });
  expect(await rotor.jobs.cancel("jobs", "a:1")).toMatchObject({ deleted: true });
});

test("a name of any form arrives as it was written, and is judged by the server", async () => {
  for (const name of ["a/b", "ä ö", "%2e%2e", "x?y=1#z"]) {
    await expect(rotor.queues.get(name)).rejects.toMatchObject({ code: "INVALID_INPUT" });
  }
});

test("a write repeated with its idempotency key answers what the first one answered", async () => {
  const options = { idempotencyKey: "create-once" };
  const first = await rotor.apiKeys.create("ci", { role: "viewer" }, options);
  const second = await rotor.apiKeys.create("ci", { role: "viewer" }, options);
  expect(second).toEqual(first);
  await expect(rotor.apiKeys.create("other", {}, options)).rejects.toMatchObject({
    code: "IDEMPOTENCY_KEY_REUSED",
  });
});

test("a walk meets every entry of a list once, however small its pages are", async () => {
  const names = Array.from({ length: 5 }, (_, index) => `walk-${index}`);
  for (const name of names) await rotor.queues.create({ name });
  const met: string[] = [];
  for await (const { name } of rotor.queues.list.all({ limit: 2 })) met.push(name);
  expect(met.filter((name) => name.startsWith("walk-"))).toEqual(names);
});

test("the audit trail knows that the SDK did it, or the program that used it", async () => {
  await rotor.queues.create({ name: "traced" });
  const call = callOverHttp({ url: server.url, apiKey: server.adminKey, client: "mcp/1.2.3 (claude)" });
  await call(contract.queues.pause as unknown as Operation, { name: "traced" });
  const { data } = await rotor.audit.list({ resource_id: "traced" });
  expect(data.map(({ surface, client }) => [surface, client])).toEqual([
    ["mcp", "mcp/1.2.3 (claude)"],
    ["sdk", "sdk/0.1.0"],
  ]);
});

test("the operator's operations use the operator's token", async () => {
  const { data } = await rotor.admin.listWorkspaces();
  expect(data.map(({ id }) => id)).toContain("ws_default");
  const powerless = new Rotor({ url: server.url, apiKey: server.adminKey, adminToken: server.adminKey });
  await expect(powerless.admin.listWorkspaces()).rejects.toMatchObject({ code: "FORBIDDEN" });
});

test("every operation without required input reaches its route", async () => {
  const call = callOverHttp({ url: server.url, apiKey: server.adminKey });
  const readable = listOperations(contract as OperationTree).filter(
    ({ operation }) =>
      operation.impact === "read" && operation.needs !== "operate" && operation.input.safeParse({}).success,
  );
  expect(readable.length).toBeGreaterThan(5);
  for (const { noun, verb, operation } of readable) {
    const output = await call(operation, {}).catch((error: unknown) => error);
    expect(isRotorError(output) ? `${noun}.${verb}: ${output.code}` : "ok").toBe("ok");
    expect(operation.output.safeParse(output).error, `${noun}.${verb}`).toBeUndefined();
  }
});

test("nobody listening is UNREACHABLE, and no key is UNAUTHENTICATED", async () => {
  const nowhere = new Rotor({ url: "http://127.0.0.1:9", apiKey: "rt_ws_x", maxRetries: 0 });
  await expect(nowhere.queues.list()).rejects.toMatchObject({ code: "UNREACHABLE" });
  const stranger = new Rotor({ url: server.url, apiKey: "rt_ws_x" });
  await expect(stranger.queues.list()).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
});
