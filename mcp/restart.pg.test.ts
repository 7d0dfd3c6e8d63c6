// A task outlives the server that promised it: kill -9 between the promise and the result, and the same client's next
// look, at the server that was started again, finds it.

import type { Json } from "@rotorsh/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import { rpc, tasks } from "./testing/raw.ts";
import { createServerProcess, type ServerProcess } from "./testing/server-process.ts";
import { startApp, type TestApp } from "./testing/workflow-app.ts";

let server: ServerProcess;
let app: TestApp;

beforeAll(async () => {
  server = await createServerProcess();
  await server.start();
  app = await startApp(server);
  await app.define("slow", async ({ step }) => {
    const first = await step.run("first", () => "kept");
    const data = await step.waitForEvent<Json>("go", { event: "slow.continue", timeout: "1h" });
    return { first, data };
  });
}, 120_000);

afterAll(async () => {
  await app?.close();
  await server?.remove();
});

const ask = (method: string, params: Json) =>
  rpc({ url: `${server.url}/mcp`, key: server.adminKey, method, params, capabilities: tasks });

test("the server is killed between a task's promise and its result; the client gets the result", {
  timeout: 120_000,
}, async () => {
  const created = await ask("tools/call", { name: "trigger_workflow", arguments: { id: "slow" } });
  const { taskId } = created.result as { taskId: string };
  // Killed as soon as the promise is there: nothing but Postgres has it.
  await server.kill();
  await expect(ask("tasks/get", { taskId })).rejects.toThrow();
  await server.start();
  expect((await ask("tasks/get", { taskId })).result).toMatchObject({ taskId, status: "working" });

  const waits = async () => (await server.rest(`/v1/runs/${taskId}`)).body.status;
  await expect.poll(waits, { timeout: 60_000 }).toBe("waiting");
  await server.kill();
  await server.start();
  await server.rest("/v1/events", { method: "POST", body: { name: "slow.continue", data: { n: 7 } } });
  const look = async () => (await ask("tasks/get", { taskId })).result;
  await expect.poll(async () => (await look()).status, { timeout: 60_000 }).toBe("completed");
  expect((await look()).result).toMatchObject({
    structuredContent: { run_id: taskId, status: "completed", output: { first: "kept", data: { n: 7 } } },
  });
});
