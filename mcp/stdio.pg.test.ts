// The binary as a host starts it: a process of its own, over REST to a real server.

import { spawn } from "node:child_process";
import { type ErrorBody, type Json, RotorError } from "@rotorsh/contract";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type SpawnOptions, spawnStdio, stdioCommand, type TestClient } from "./testing/clients.ts";
import { startTestServer, type TestServer } from "./testing/server.ts";

let server: TestServer;
const open: TestClient[] = [];

beforeAll(async () => {
  server = await startTestServer();
});

afterAll(async () => {
  await Promise.all(open.map((client) => client.close()));
  await server.close();
});

async function start(options: Partial<SpawnOptions> = {}) {
  const env = { ROTOR_API_URL: server.url, ROTOR_API_KEY: server.adminKey, ...options.env };
  const client = await spawnStdio({ ...options, env });
  open.push(client);
  return client;
}

const documented = {
  admin: [
    "rotor_fire_schedule_now",
    "rotor_get_dlq",
    "rotor_get_workspace_queues",
    "rotor_get_workspace_schedules",
    "rotor_inspect_job",
    "rotor_list_workspaces",
    "rotor_replay_dlq",
  ],
  stdio: [
    "rotor_add_job",
    "rotor_create_api_key",
    "rotor_create_queue",
    "rotor_create_schedule",
    "rotor_delete_job",
    "rotor_delete_queue",
    "rotor_delete_schedule",
    "rotor_drain_queue",
    "rotor_force_fire_schedule",
    "rotor_get_dlq",
    "rotor_get_job",
    "rotor_get_queue",
    "rotor_get_schedule",
    "rotor_get_status",
    "rotor_get_workspace",
    "rotor_inspect_run_history",
    "rotor_list_api_keys",
    "rotor_list_jobs",
    "rotor_list_queues",
    "rotor_list_schedules",
    "rotor_list_workspaces",
    "rotor_replay_dlq",
    "rotor_retry_job",
    "rotor_revoke_api_key",
    "rotor_set_queue_state",
    "rotor_update_queue",
    "rotor_update_schedule",
  ],
};

describe.each(["2026", "2025"] as const)("a host of the %s protocol", (kind) => {
  let client: TestClient;

  beforeAll(async () => {
    client = await start({ kind });
  });

  test("finds the documented tools, and no others", async () => {
    expect((await client.names()).toSorted()).toEqual(documented.stdio);
  });

  test("creates, lists and deletes a queue, and is named in the audit trail", async () => {
    const name = `stdio-${kind}`;
    const created = await client.call("rotor_create_queue", { name, concurrency: 5, retry_attempts: 3 });
    expect(created).toMatchObject({ isError: false, structured: { name, concurrency: 5 } });
    const { structured } = await client.call("rotor_list_queues");
    expect((structured.queues as Json[]).map((queue) => queue.name)).toContain(name);

    const refused = await client.call("rotor_delete_queue", { name });
    expect(refused.text).toContain("CONFIRMATION_REQUIRED");
    const { error } = JSON.parse(refused.text.split("\n")[0] as string) as ErrorBody;
    const { confirm_token } = error.details as Json;
    const done = await client.call("rotor_delete_queue", { name, confirm: true, confirm_token });
    expect(done.structured).toMatchObject({ deleted: true });
    const { body } = await server.rest<{ data: Json[] }>(`/v1/audit?resource_id=${name}`);
    expect(body.data[0]).toMatchObject({
      surface: "mcp",
      client: expect.stringMatching(/^mcp\/[\d.]+ \(test-agent\/1\.2\.3\)$/),
    });
  });

  test("is refused what is missing or unknown before anything is sent", async () => {
    const { isError, text } = await client.call("rotor_get_queue", { nme: "x" });
    expect(isError).toBe(true);
    expect(text).toContain("did you mean name?");
    expect(text).toContain("Fields of rotor_get_queue: name (required), response_format.");
  });

  test("gets the server's own errors with the server's request id", async () => {
    const { isError, text } = await client.call("rotor_get_queue", { name: "nowhere" });
    expect(isError).toBe(true);
    const { error } = JSON.parse(text.split("\n")[0] as string) as ErrorBody;
    expect(error).toMatchObject({ code: "QUEUE_NOT_FOUND", request_id: expect.stringMatching(/^req_/) });
    expect(text).toContain("Call rotor_list_queues");
  });
});

describe("the operator's server", () => {
  let client: TestClient;

  beforeAll(async () => {
    client = await start({ args: ["--admin"], env: { ROTOR_ADMIN_TOKEN: server.adminToken } });
  });

  test("has the documented tools, and no others", async () => {
    expect((await client.names()).toSorted()).toEqual(documented.admin);
    const { structured } = await client.call("rotor_list_workspaces");
    expect((structured.workspaces as Json[]).map(({ id }) => id)).toContain("ws_default");
  });

  test("finds dead letters from workspace to job, and replays them once it was confirmed", async () => {
    const queue = "operated";
    await server.rest("/v1/queues", { method: "POST", body: { name: queue, approval_required: true } });
    await server.rest(`/v1/queues/${queue}/jobs`, {
      method: "POST",
      body: { jobId: "dead", payload: { a: 1 } },
    });
    const { body } = await server.rest<{ approvals: Json[] }>(`/v1/approvals?queue=${queue}`);
    await server.rest(`/v1/approvals/${body.approvals[0]?.id}/reject`, { method: "POST", body: {} });

    const listed = await client.call("rotor_get_workspace_queues", { id: "ws_default" });
    const rows = listed.structured.workspace_queues as Json[];
    expect(rows.find(({ name }) => name === queue)).toMatchObject({ stats: { failed: 1 } });
    expect(listed.structured.next_actions).toContainEqual(
      expect.objectContaining({ tool: "rotor_get_dlq", arguments: { workspace: "ws_default", queue } }),
    );

    const dead = await client.call("rotor_get_dlq", { workspace: "ws_default", queue });
    expect(dead.structured).toMatchObject({ dlq: [{ id: "dead" }] });
    const [inspect, replay] = dead.structured.next_actions as [Json, Json];
    const job = await client.call(inspect.tool as string, inspect.arguments as Json);
    expect(job.structured).toMatchObject({ payload: { a: 1 }, workspace_id: "ws_default" });
    expect(job.structured.untrusted_data).toContain("payload");

    const asked = await client.call(replay.tool as string, replay.arguments as Json);
    expect(asked.text).toContain("CONFIRMATION_REQUIRED");
    const [, next] = /call rotor_replay_dlq with (\{.*\})\.$/.exec(asked.text) as unknown as [string, string];
    // What a person rejected is not done again.
    expect((await client.call("rotor_replay_dlq", JSON.parse(next) as Json)).structured).toMatchObject({
      replayed: 0,
    });
  });
});

test("a server that cannot be reached is an error of the tool, not the end of the process", async () => {
  const client = await start({ env: { ROTOR_API_URL: "http://127.0.0.1:9" } });
  const { isError, text } = await client.call("rotor_list_queues");
  expect(isError).toBe(true);
  expect(text).toContain(new RotorError("UNREACHABLE", {}).code);
});

test("a missing key ends the process with one line that names the variable", async () => {
  const { command, args } = stdioCommand([]);
  const child = spawn(command, args, { env: {} });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk) => {
    stdout += chunk;
  });
  child.stderr.on("data", (chunk) => {
    stderr += chunk;
  });
  const code = await new Promise((resolve) => child.once("close", resolve));
  expect([code, stdout]).toEqual([1, ""]);
  expect(stderr.trim().split("\n")).toEqual([
    expect.stringMatching(/^rotor-mcp: ROTOR_API_KEY is not set, e\.g\./),
  ]);
});

test("the process ends when the host closes its input", async () => {
  const { command, args } = stdioCommand([]);
  const child = spawn(command, args, { env: { ROTOR_API_KEY: server.adminKey } });
  child.stdin.end();
  expect(await new Promise((resolve) => child.once("close", resolve))).toBe(0);
});
