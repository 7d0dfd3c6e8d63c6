// What HTTP adds to an operation: status codes, headers, bodies of every kind, and addresses that are none.

import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestServer, type TestServer } from "../mcp/testing/server.ts";

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer();
});

afterAll(() => server.close());

type Sent = { method?: string; body?: string; type?: string | null; headers?: Record<string, string> };

async function send(path: string, { method = "GET", body, type = "application/json", headers }: Sent = {}) {
  const response = await fetch(server.url + path, {
    method,
    headers: {
      authorization: `Bearer ${server.adminKey}`,
      ...(body !== undefined && type !== null && { "content-type": type }),
      ...headers,
    },
    // As bytes: for a text, fetch would add a content type of its own.
    ...(body !== undefined && { body: new TextEncoder().encode(body) }),
  });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

async function codeOf(path: string, sent?: Sent): Promise<[number, string]> {
  const { status, text } = await send(path, sent);
  return [status, status < 400 ? "ok" : JSON.parse(text).error.code];
}

const post = (body: string, type?: string | null): Sent => ({
  method: "POST",
  body,
  ...(type !== undefined && { type }),
});

describe("S-3: a body", () => {
  test.each([
    ["text/plain", 415],
    ["application/x-www-form-urlencoded", 415],
    ["multipart/form-data; boundary=x", 415],
    ["application/jsonp", 415],
    ["", 415],
    [null, 415],
    ["application/json; charset=utf-8", 422],
    ["APPLICATION/JSON", 422],
    ["application/merge-patch+json", 422],
  ])("of content type %j is answered %i", async (type, status) => {
    expect((await codeOf("/v1/queues", post("{}", type)))[0]).toBe(status);
  });

  const spaces = (count: number) => `{"name":"large"${" ".repeat(count)}}`;

  test("of 512 KB is read, one byte more is not: 413", async () => {
    const frame = spaces(0).length;
    const path = "/v1/queues/missing/pause";
    const limit = 512 * 1024;
    expect((await codeOf(path, post(" ".repeat(limit))))[0]).toBe(404);
    expect(await codeOf(path, post(" ".repeat(limit + 1)))).toEqual([413, "PAYLOAD_TOO_LARGE"]);
    expect((await codeOf("/v1/queues", post(spaces(limit - frame))))[0]).toBe(201);
    expect(await codeOf("/v1/queues", post(spaces(limit - frame + 1)))).toEqual([413, "PAYLOAD_TOO_LARGE"]);
  });

  test("that never says how long it is, is read no further than the limit", async () => {
    const status = await new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${server.adminKey}`, "content-type": "application/json" };
      const sending = request(`${server.url}/v1/queues`, { method: "POST", headers }, (response) => {
        resolve(response.statusCode);
        response.resume();
        sending.destroy();
      });
      sending.on("error", reject);
      for (let sent = 0; sent < 10; sent++) sending.write(" ".repeat(64 * 1024));
    });
    expect(status).toBe(413);
  });

  const nested = (levels: number) => `${'{"a":'.repeat(levels)}1${"}".repeat(levels)}`;
  const wide = JSON.stringify(Object.fromEntries(Array.from({ length: 10_001 }, (_, i) => [`k${i}`, 1])));

  test.each([
    ["deeper than 64 levels", nested(65)],
    ["deep enough to end a recursion", nested(50_000)],
    ["of more than 10,000 fields", wide],
    ["that is a list", "[]"],
    ["that is null", "null"],
    ["that is a text", '"name"'],
    ["with a field __proto__", '{"name":"proto","__proto__":{"role":"admin"}}'],
    ["with a field constructor", '{"name":"proto","constructor":1}'],
    ["with NUL in a name", '{"name":"a\\u0000"}'],
    ["with half a character in a name", '{"name":"a\\ud800"}'],
    ["with a number beyond all numbers", '{"name":"huge","concurrency":1e400}'],
    ["that is missing where it is needed", ""],
  ])("%s is a 422", async (_, body) => {
    expect(await codeOf("/v1/queues", post(body))).toEqual([422, "INVALID_INPUT"]);
  });

  test.each([
    ["cut off", '{"name":'],
    ["with a byte order mark", '\ufeff{"name":"bom"}'],
    ["with a comma too many", '{"name":"x",}'],
    ["of brackets alone", "[".repeat(200_000)],
  ])("%s is a 400", async (_, body) => {
    expect(await codeOf("/v1/queues", post(body))).toEqual([400, "INVALID_JSON"]);
  });

  test("that disagrees with the address is refused", async () => {
    expect(await codeOf("/v1/queues/one", { method: "PATCH", body: '{"name":"two"}' })).toEqual([
      422,
      "INVALID_INPUT",
    ]);
  });
});

describe("a query", () => {
  test.each(["constructor", "toString", "__proto__", "hasOwnProperty", "valueOf"])(
    "T-4: with %s, which every object has, is one with an unknown field",
    async (name) => {
      for (const query of [`${name}=1`, `${name}=1&${name}=2`, `${name}`]) {
        const [status] = await codeOf(`/v1/queues?${query}`);
        // A name that JavaScript cannot hold as a field is passed over.
        expect([query, status]).toEqual([query, name === "__proto__" && status === 200 ? 200 : 422]);
      }
    },
  );

  test.each(["limit=201", "limit=0", "limit=-1", "limit=1e9", "limit=abc", "limit=", "limit=1&limit=2"])(
    "R-3: %s is refused at once",
    async (query) => {
      const started = performance.now();
      expect(await codeOf(`/v1/queues?${query}`)).toEqual([422, "INVALID_INPUT"]);
      expect(performance.now() - started).toBeLessThan(500);
    },
  );

  test.each(["cursor=x", "cursor=W10", `cursor=${"a".repeat(513)}`, "cursor=WyJcdTAwMDAiXQ"])(
    "R-3: %s is refused",
    async (query) => {
      expect(await codeOf(`/v1/queues?${query}`)).toEqual([422, "INVALID_INPUT"]);
    },
  );
});

describe("E-1: an address", () => {
  test.each(["/nothing", "/v1", "/v1/queues/", "//v1/queues", "/V1/queues", "/v1/queues/a/b/c", "/admin"])(
    "%s is a 404 with a request id",
    async (path) => {
      const { status, text, headers } = await send(path);
      const { error } = JSON.parse(text);
      expect([status, error.code]).toEqual([404, "ROUTE_NOT_FOUND"]);
      expect(error.request_id).toBe(headers.get("x-request-id"));
    },
  );

  test.each(["%zz", "a%2Fb", "%00", "..%2f..", "%0d%0aset-cookie:x"])(
    "with %s for a name is a 422",
    async (name) => {
      const { status, headers } = await send(`/v1/queues/${name}`);
      expect(status).toBe(422);
      expect(headers.get("set-cookie")).toBeNull();
    },
  );

  test.each([
    ["DELETE", "/v1/queues", "GET, POST, HEAD"],
    ["OPTIONS", "/v1/whoami", "GET, HEAD"],
    ["GET", "/v1/queues/x/pause", "POST"],
    ["POST", "/healthz", "GET, HEAD"],
    ["DELETE", "/readyz", "GET, HEAD"],
    ["POST", "/metrics", "GET, HEAD"],
    ["PUT", "/doc", "GET, HEAD"],
    ["POST", "/docs", "GET, HEAD"],
  ])("asked by %s %s is a 405 that names the methods it takes", async (method, path, allowed) => {
    const { status, text, headers } = await send(path, { method });
    expect([status, JSON.parse(text).error.code]).toEqual([405, "METHOD_NOT_ALLOWED"]);
    expect(headers.get("allow")).toBe(allowed);
  });

  test("with a slash at its end, of a page, leads to the page", async () => {
    const { status, headers } = await fetch(`${server.url}/docs/`, { redirect: "manual" });
    expect([status, headers.get("location")]).toEqual([308, "../docs"]);
  });

  test("answers HEAD like GET, without the body", async () => {
    const { status, text } = await send("/v1/whoami", { method: "HEAD" });
    expect([status, text]).toEqual([200, ""]);
  });
});

describe("S-4, K-3: every answer", () => {
  test.each(["/v1/whoami", "/v1/nothing", "/healthz", "/docs", "/doc"])(
    "of %s has the headers that protect whoever reads it",
    async (path) => {
      const { headers } = await send(path);
      expect(headers.get("content-security-policy")).toMatch(/frame-ancestors 'none'/);
      expect(headers.get("content-security-policy")).not.toMatch(/unsafe/);
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("strict-transport-security")).toBe("max-age=31536000; includeSubDomains");
      expect(headers.get("cross-origin-opener-policy")).toBe("same-origin");
      expect(headers.get("referrer-policy")).toBe("no-referrer");
      expect(headers.get("access-control-allow-origin")).toBeNull();
    },
  );

  test("E-2: says nothing of what runs here", async () => {
    for (const path of ["/v1/whoami", "/nothing", "/mcp"]) {
      const { headers } = await send(path);
      expect([headers.get("server"), headers.get("x-powered-by")]).toEqual([null, null]);
    }
  });

  test("K-3: a new key is shown once, and no cache may keep it", async () => {
    const made = await send("/v1/api-keys", post('{"label":"shown once"}'));
    expect(made.headers.get("cache-control")).toBe("no-store");
    const { key, id, prefix, last4 } = JSON.parse(made.text);
    const { text } = await send("/v1/api-keys?limit=200");
    expect(text).not.toContain(key);
    expect(JSON.parse(text).data).toContainEqual(expect.objectContaining({ id, prefix, last4 }));
    expect(key.startsWith(prefix)).toBe(true);
  });

  test.each(["/v1/whoami?key=", "/v1/whoami?a=1&api_key=", "/mcp?key="])(
    "K-3: a key in the address %s… is refused, and the answer warns of it",
    async (path) => {
      const { status, text } = await send(path + server.adminKey);
      const { error } = JSON.parse(text);
      expect([status, error.code]).toEqual([401, "UNAUTHENTICATED"]);
      expect(error.hint).toContain("revoke it");
      expect(text).not.toContain(server.adminKey);
    },
  );

  test.each([
    ["mine-1.2:3", true],
    ["with space", false],
    ["<script>", false],
    ["a".repeat(65), false],
  ])("carries the request id %j only if it is harmless", async (id, kept) => {
    const { headers } = await send("/v1/whoami", { headers: { "x-request-id": id } });
    expect(headers.get("x-request-id") === id).toBe(kept);
  });
});

describe("E-2: what operators see", () => {
  test("of the metrics is for the operator alone, and names no tenant", async () => {
    expect((await send("/metrics")).status).toBe(401);
    const headers = { authorization: `Bearer ${server.adminToken}` };
    const { status, text } = await send("/metrics", { headers });
    expect(status).toBe(200);
    expect(text).toContain("rotor_http_requests_total");
    expect(text).toContain("\nrotor_rate_limit_alone_total 0\n");
    expect(text).not.toMatch(/ws_|key_|rt_/);
  });

  test("of the server's health needs no key and says nothing else", async () => {
    const { text } = await send("/healthz", { headers: { authorization: "" } });
    expect(JSON.parse(text)).toEqual({ status: "ok" });
  });
});

describe("R-1: a workspace at its limit", () => {
  async function limitedTo(requests: number): Promise<Record<string, string>> {
    const { body } = await server.rest<{ id: string; key: string }>("/admin/workspaces", {
      method: "POST",
      key: server.adminToken,
      body: { name: "limited", owner_email: "o@example.com" },
    });
    await server.rest(`/admin/workspaces/${body.id}`, {
      method: "PATCH",
      key: server.adminToken,
      body: { requests_per_minute: requests },
    });
    return { authorization: `Bearer ${body.key}` };
  }

  test("cannot hide calls in a batch of the older MCP: each one counts", async () => {
    const headers = await limitedTo(5);
    const batch = Array.from({ length: 40 }, (_, id) => ({
      jsonrpc: "2.0",
      id,
      method: "tools/call",
      params: { name: "upsert_queue", arguments: { name: `q${id}` } },
    }));
    const { text } = await send("/mcp", {
      ...post(JSON.stringify(batch)),
      headers: { ...headers, accept: "application/json, text/event-stream" },
    });
    const made = text.match(/"created":true/g)?.length;
    // Ten, if a minute ended in between.
    expect([5, 10]).toContain(made);
    expect(text).toContain("RATE_LIMITED");
  });

  test("is told its limit at each request, and 429 with the wait beyond it", async () => {
    const headers = await limitedTo(3);
    // Six at most, so that a minute that ends in between changes nothing.
    let answer = await send("/v1/whoami", { headers });
    for (let more = 0; answer.status === 200 && more < 6; more++) {
      expect(answer.headers.get("ratelimit-policy")).toBe('"workspace";q=3;w=60');
      expect(answer.headers.get("ratelimit")).toMatch(/^"workspace";r=[0-2];t=\d+$/);
      answer = await send("/v1/whoami", { headers });
    }
    expect(answer.status).toBe(429);
    expect(answer.headers.get("ratelimit")).toMatch(/^"workspace";r=0;t=\d+$/);
    expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(JSON.parse(answer.text).error.code).toBe("RATE_LIMITED");
  });
});

test("a queue key at /mcp is refused, and the refusal is in the audit log", async () => {
  await server.rest("/v1/queues", { method: "POST", body: { name: "keyed" } });
  const { body } = await server.rest<{ id: string; key: string }>("/v1/api-keys", {
    method: "POST",
    body: { label: "of a queue", tier: "queue", queue: "keyed" },
  });
  const headers = { authorization: `Bearer ${body.key}` };
  expect(await codeOf("/mcp", { method: "POST", body: "{}", headers })).toEqual([403, "KEY_TIER_REFUSED"]);
  const { text } = await send(`/v1/audit?actor_id=${body.id}`);
  expect(JSON.parse(text).data).toMatchObject([
    { event_type: "access.denied", metadata: { operation: "mcp", code: "KEY_TIER_REFUSED" } },
  ]);
});
