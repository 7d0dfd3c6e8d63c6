// What the hosted server says before a tool is involved, and what it hands on.

import { type ErrorBody, RotorError } from "@rotorsh/contract";
import { expect, test, vi } from "vitest";
import { createConsents } from "./consents.ts";
import { createMcpHttp, type McpAccess, type McpHttpOptions } from "./http.ts";
import type { CallSource } from "./server.ts";

const harmless = { consents: createConsents(Buffer.alloc(32), ""), watch: async () => () => {} };

type Rpc = { method: string; params?: object; path?: string; headers?: Record<string, string> };

async function send({ method, params = {}, path = "/mcp", headers = {} }: Rpc, given: Given = {}) {
  const mcp = createMcpHttp({ version: "1", ...given.options });
  const callAs = vi.fn((_: CallSource) => async () => Promise.reject(new Error("secret")));
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
  const request = new Request(`http://127.0.0.1${path}`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "content-length": String(Buffer.byteLength(body)),
      accept: "application/json, text/event-stream",
      ...headers,
    },
    body,
  });
  const response = await mcp.fetch(request, {
    ...harmless,
    callAs,
    permissions: new Set(["read", "develop"]),
    ...given.access,
  });
  return { response, text: await response.text(), callAs };
}
type Given = { options?: Partial<McpHttpOptions>; access?: Partial<McpAccess> };

const initialize = (clientInfo: object): Rpc => ({
  method: "initialize",
  params: { protocolVersion: "2025-06-18", capabilities: {}, clientInfo },
});
const pause: Rpc = { method: "tools/call", params: { name: "set_queue_state", arguments: { name: "a" } } };

test("an unknown toolset is a 404 with the request's id", async () => {
  const { response, text } = await send(
    { ...pause, path: "/mcp/x/nope" },
    { access: { requestId: "req_7" } },
  );
  expect(response.status).toBe(404);
  expect((JSON.parse(text) as ErrorBody).error).toMatchObject({
    code: "ROUTE_NOT_FOUND",
    request_id: "req_7",
  });
});

test("a Host that is not ours is a 403", async () => {
  const options = { allowedHosts: ["rotor.example.com"] };
  const { response } = await send({ ...pause, headers: { host: "evil.example.com" } }, { options });
  expect(response.status).toBe(new RotorError("ORIGIN_REFUSED").status);
});

test("a failure of our own is reported with the request's id, and answered with no more than that", async () => {
  const onError = vi.fn();
  const { text } = await send(pause, { options: { onError }, access: { requestId: "req_7" } });
  expect(text).toContain("req_7");
  expect(text).not.toContain("secret");
  expect(onError).toHaveBeenCalledExactlyOnceWith(new Error("secret"), "req_7");
});

test("a client of the older era is remembered by the session id that it repeats", async () => {
  const { response } = await send(initialize({ name: "codex", version: "0.169.0" }));
  const session = response.headers.get("mcp-session-id");
  const { callAs } = await send({ ...pause, headers: { "mcp-session-id": session ?? "" } });
  expect(callAs).toHaveBeenCalledWith({ client: "codex/0.169.0", traceparent: null });
});

test.each([
  ["no session id", {}],
  ["a session id of somebody else", { "mcp-session-id": "3f1c" }],
])("with %s the client is unknown, and served", async (_, headers) => {
  const { response, callAs } = await send({ ...pause, headers });
  expect(response.status).toBe(200);
  expect(callAs).toHaveBeenCalledWith({ client: null, traceparent: null });
});

test.each([
  "[]",
  "null",
  '"x"',
  "{",
  '{"method":"initialize"}',
  '{"method":"initialize","params":{"clientInfo":1}}',
])("the body %s is answered, not stumbled over", async (body) => {
  const mcp = createMcpHttp({ version: "1" });
  const headers = { "content-type": "application/json", "content-length": String(body.length) };
  const request = new Request("http://127.0.0.1/mcp", { method: "POST", headers, body });
  const access = { ...harmless, callAs: () => async () => ({}), permissions: new Set<never>() };
  const { status } = await mcp.fetch(request, access);
  expect(status).toBeGreaterThanOrEqual(400);
  expect(status).toBeLessThan(500);
});
