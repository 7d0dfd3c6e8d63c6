// The hosted server as agents meet it: the whole app, a real database, real clients of both eras.

import type { ErrorBody, Json } from "@rotorsh/contract";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { clientKinds, connect, type TestClient } from "./testing/clients.ts";
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

async function at(path: string, options: { kind?: (typeof clientKinds)[number]; key?: string } = {}) {
  const client = await connect({ url: server.url + path, key: server.adminKey, ...options });
  open.push(client);
  return client;
}

/** The tools that the connection guide promises at `/mcp`, and no others. */
const documented = [
  "list_workflows",
  "trigger_workflow",
  "invoke_workflow",
  "get_run",
  "list_runs",
  "cancel_run",
  "upsert_queue",
  "set_queue_state",
  "drain_queue",
  "queue_stats",
  "upsert_schedule",
  "approve_run",
];

/** The first line of an error is the body that REST would answer. */
function errorOf({ isError, text }: { isError: boolean; text: string }): ErrorBody["error"] {
  expect(isError).toBe(true);
  return (JSON.parse(text.split("\n")[0] as string) as ErrorBody).error;
}

describe.each(clientKinds)("a client of the kind %s", (kind) => {
  const name = `emails-${clientKinds.indexOf(kind)}`;

  test("finds the default tools and is told how to use them", async () => {
    const client = await at("/mcp", { kind });
    expect(client.serverInfo).toMatchObject({ name: "rotor", version: "0.0.0-test" });
    expect(client.instructions).toContain("confirm: true");
    const names = await client.names();
    expect(names).toEqual(expect.arrayContaining(["upsert_queue", "set_queue_state"]));
    expect(documented).toEqual(expect.arrayContaining(names));
  });

  test("gets what REST gets, as data and as text", async () => {
    const client = await at("/mcp", { kind });
    const saved = await client.call("upsert_queue", { name, concurrency: 5 });
    expect(saved).toMatchObject({ isError: false, structured: { name, concurrency: 5, created: true } });
    const paused = await client.call("set_queue_state", { name, state: "pause" });
    expect(JSON.parse(paused.text)).toEqual(paused.structured);
    const { stats: _, ...queue } = (await server.rest<Json>(`/v1/queues/${name}`)).body;
    const { next_actions: actions, ...shown } = paused.structured;
    expect(shown).toEqual(queue);
    expect(actions).toContainEqual({
      tool: "set_queue_state",
      arguments: { name, state: "active" },
      why: expect.any(String),
    });
  });

  test("leaves its name and version in the audit trail", async () => {
    const { body } = await server.rest<{ data: Json[] }>(`/v1/audit?resource_id=${name}`);
    const traces = body.data.map(({ surface, client }) => [surface, client]);
    expect(traces).toEqual([
      ["mcp", "test-agent/1.2.3"],
      ["mcp", "test-agent/1.2.3"],
    ]);
  });

  test("is refused an unknown field by name, with the nearest known one", async () => {
    const client = await at("/mcp", { kind });
    const result = await client.call("upsert_queue", { name, concurency: 7, colour: "red" });
    expect(errorOf(result)).toMatchObject({
      code: "INVALID_INPUT",
      message: expect.stringContaining("did you mean concurrency?"),
      request_id: expect.stringMatching(/^req_/),
    });
    expect(result.text).toContain("Also: colour");
    expect(result.text).toContain("Fields of upsert_queue: name (required), concurrency,");
    expect((await server.rest(`/v1/queues/${name}`)).body.concurrency).toBe(5);
  });

  test("learns from a missing queue which tool lists those there are", async () => {
    const client = await at("/mcp/x/default+jobs", { kind });
    const result = await client.call("set_queue_state", { name: "emials", state: "paused" });
    expect(errorOf(result)).toMatchObject({ code: "QUEUE_NOT_FOUND", details: { name: "emials" } });
    expect(result.text).toContain("Call list_queues to see the queues there are.");
    const near = await client.call("queue_stats", { name: `${name}s` });
    expect(errorOf(near).details).toEqual({ name: `${name}s`, nearest: name });
    expect(near.text).toContain(`Did you mean ${name}? Then call queue_stats with {"name":"${name}"}.`);
  });

  test("destroys in two steps, and the first says how to do the second", async () => {
    const client = await at("/mcp/x/jobs", { kind });
    const refused = await client.call("delete_queue", { name });
    expect(errorOf(refused)).toMatchObject({
      code: "CONFIRMATION_REQUIRED",
      details: { preview: { deleted: false, jobs: 0 } },
    });
    expect(refused.text).toContain("Nothing was changed.");
    expect((await server.rest(`/v1/queues/${name}`)).status).toBe(200);

    const [, next] = /call delete_queue with (\{.*\})\.$/.exec(refused.text) as unknown as [string, string];
    const done = await client.call("delete_queue", JSON.parse(next));
    expect(done.structured).toEqual({ deleted: true, jobs: 0 });
    expect((await server.rest(`/v1/queues/${name}`)).status).toBe(404);
  });

  test("hears of an unknown tool in the protocol's way, with the nearest one", async () => {
    const client = await at("/mcp", { kind });
    await expect(client.call("upsert_qeue")).rejects.toMatchObject({
      code: -32602,
      message: expect.stringContaining("did you mean upsert_queue?"),
    });
    await expect(client.call("list_queues")).rejects.toThrow("/mcp/x/jobs has it");
  });
});

test("the entries of a list have their noun's name", async () => {
  await server.rest("/v1/queues", { method: "POST", body: { name: "listed" } });
  const client = await at("/mcp/x/jobs");
  const { structured } = await client.call("list_queues", { limit: 1, response_format: "detailed" });
  const { body } = await server.rest("/v1/queues?limit=1");
  expect(structured).toMatchObject({ queues: body.data, nextCursor: body.nextCursor });
});

describe("an address", () => {
  test("with several toolsets offers them all", async () => {
    const both = await (await at("/mcp/x/jobs+default")).names();
    expect(both).toEqual(expect.arrayContaining(["list_queues", "upsert_queue"]));
    const all = await (await at("/mcp/x/all")).names();
    expect(all).toEqual(expect.arrayContaining([...both, "list_api_keys"]));
  });

  test("that ends in /readonly offers nothing that changes anything", async () => {
    const client = await at("/mcp/x/all/readonly");
    const names = await client.names();
    expect(names).toContain("list_queues");
    for (const name of ["upsert_queue", "delete_queue", "create_api_key"]) expect(names).not.toContain(name);
    await expect(client.call("upsert_queue", { name: "x" })).rejects.toThrow("not offered at this address");
    expect(await (await at("/mcp/readonly")).names()).not.toContain("upsert_queue");
  });

  test("with an unknown toolset is a 404 that names the nearest", async () => {
    const { status, body } = await server.rest<ErrorBody>("/mcp/x/job", { method: "POST", body: {} });
    expect(status).toBe(404);
    expect(body.error.code).toBe("ROUTE_NOT_FOUND");
    expect(body.error.hint).toContain("/mcp/x/jobs");
  });
});

describe("a key", () => {
  test("that may only read is not shown the rest, and is refused it", async () => {
    const { body } = await server.rest<{ key: string }>("/v1/api-keys", {
      method: "POST",
      body: { label: "v", role: "viewer" },
    });
    const client = await at("/mcp/x/default+jobs", { key: body.key });
    const names = await client.names();
    expect(names).toEqual(expect.arrayContaining(["list_queues", "get_queue"]));
    for (const name of ["upsert_queue", "delete_queue"]) expect(names).not.toContain(name);
    const refused = await client.call("upsert_queue", { name: "mine" });
    expect(errorOf(refused)).toMatchObject({ code: "FORBIDDEN", details: { needs: "develop" } });
    expect(errorOf(await client.call("delete_queue", { name: "listed", confirm: true })).code).toBe(
      "FORBIDDEN",
    );
    expect(errorOf(await client.call("delete_queue", { name: "listed" })).code).toBe("FORBIDDEN");
  });

  test("of a developer is not shown what only an admin may do", async () => {
    const names = await (await at("/mcp/x/workspace", { key: server.developerKey })).names();
    expect(names).toContain("list_api_keys");
    expect(names).not.toContain("extend_api_key");
  });

  test("that is no key gets 401 before anything else", async () => {
    const { status, body } = await server.rest<ErrorBody>("/mcp", {
      method: "POST",
      body: {},
      key: "rt_ws_nonsense",
    });
    expect([status, body.error.code]).toEqual([401, "UNAUTHENTICATED"]);
  });
});

describe("a web page", () => {
  const visit = (origin: string) =>
    fetch(`${server.url}/mcp`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${server.adminKey}`,
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
        origin,
      },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list" }),
    });

  test("of another site is refused", async () => {
    const response = await visit("https://evil.example.com");
    expect(response.status).toBe(403);
    expect(((await response.json()) as ErrorBody).error.code).toBe("ORIGIN_REFUSED");
  });

  test("of this server, or of this machine in development, is served", async () => {
    expect((await visit(server.url)).status).toBe(200);
    expect((await visit("http://localhost:6274")).status).toBe(200);
  });
});

test("GET and DELETE are not methods of a server without sessions", async () => {
  for (const method of ["GET", "DELETE"]) {
    const headers = { authorization: `Bearer ${server.adminKey}` };
    expect((await fetch(`${server.url}/mcp`, { method, headers })).status).toBe(405);
  }
});
