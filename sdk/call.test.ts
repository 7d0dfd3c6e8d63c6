import { contract, type Operation } from "@rotorsh/contract";
import { expect, test } from "vitest";
import { callOverHttp } from "./call.ts";
import type { HttpOptions } from "./http.ts";

const list = contract.queues.list as unknown as Operation;
const create = contract.queues.create as unknown as Operation;

type Reply = Response | Error | "never";

/** A fetch that gives these replies in turn and keeps the requests. */
function scripted(...replies: Reply[]) {
  const requests: { url: string; init: RequestInit; headers: Headers }[] = [];
  const fetch = (async (url: URL, init: RequestInit) => {
    requests.push({ url: String(url), init, headers: new Headers(init.headers) });
    const reply = replies.shift() ?? Response.json({});
    if (reply instanceof Error) throw reply;
    if (reply !== "never") return reply;
    return new Promise((_, reject) => {
      init.signal?.addEventListener("abort", () => reject(init.signal?.reason));
    });
  }) as unknown as typeof globalThis.fetch;
  const callWith = (options: Partial<HttpOptions> = {}) =>
    callOverHttp({ url: "http://rotor.test", apiKey: "rt_ws_x", fetch, ...options });
  return { requests, callWith, call: callWith() };
}

const now = { "retry-after": "0" };
const failure = (status: number, code: string, more = {}, headers = {}) =>
  Response.json({ error: { code, message: "Said by the server.", ...more } }, { status, headers });
const refused = () => new TypeError("fetch failed", { cause: { code: "ECONNREFUSED" } });

test("a request says whose it is, and every write can be repeated safely", async () => {
  const { requests, callWith } = scripted();
  const call = callWith({ client: "cli/9", workspaceId: "ws_a" });
  await call(list, { limit: 2 });
  await call(create, { name: "emails" });
  await call(create, { name: "emails" }, { idempotencyKey: "mine" });
  const [read, write, keyed] = requests.map(({ headers }) => Object.fromEntries(headers));
  expect(read).toEqual({
    accept: "application/json",
    authorization: "Bearer rt_ws_x",
    "x-rotor-client": "cli/9",
    "x-rotor-workspace": "ws_a",
  });
  expect(write?.["idempotency-key"]).toMatch(/^[0-9a-f-]{36}$/);
  expect(keyed?.["idempotency-key"]).toBe("mine");
  expect(requests[0]?.url).toBe("http://rotor.test/v1/queues?limit=2");
});

test("a server below a path of a proxy is reached there", async () => {
  const { requests, callWith } = scripted();
  await callWith({ url: "https://tools.test/rotor/" })(list, {});
  expect(requests[0]?.url).toBe("https://tools.test/rotor/v1/queues");
});

test("fields of a newer server pass through", async () => {
  const { call } = scripted(Response.json({ data: [], nextCursor: null, brandNew: { a: 1 } }));
  expect(await call(list, {})).toEqual({ data: [], nextCursor: null, brandNew: { a: 1 } });
});

test.each([
  ["a busy server", () => failure(429, "RATE_LIMITED", {}, now)],
  ["a server without its database", () => failure(503, "UNAVAILABLE", {}, now)],
  ["a proxy without its server", () => new Response("<html>", { status: 502, headers: now })],
  ["the same request still at work", () => failure(409, "IDEMPOTENCY_IN_PROGRESS", {}, now)],
  ["a refused connection", refused],
])("after %s a write is sent again with the same key", async (_, reply) => {
  const { requests, call } = scripted(reply(), Response.json({ name: "emails" }));
  expect(await call(create, { name: "emails" })).toEqual({ name: "emails" });
  const keys = requests.map(({ headers }) => headers.get("idempotency-key"));
  expect(keys).toHaveLength(2);
  expect(keys[0]).toBe(keys[1]);
});

test.each([
  [404, "QUEUE_NOT_FOUND"],
  [409, "QUEUE_EXISTS"],
  [500, "INTERNAL"],
])("%i %s is not sent again", async (status, code) => {
  const { requests, call } = scripted(failure(status, code));
  await expect(call(create, {})).rejects.toMatchObject({ code });
  expect(requests).toHaveLength(1);
});

test("retries end", async () => {
  const { requests, callWith } = scripted(refused(), refused(), refused(), refused());
  await expect(callWith({ maxRetries: 1 })(list, {})).rejects.toMatchObject({ code: "UNREACHABLE" });
  expect(requests).toHaveLength(2);
});

test("a server that asks for more than a minute gets its error at once", async () => {
  const { requests, call } = scripted(failure(429, "RATE_LIMITED", {}, { "retry-after": "3600" }));
  await expect(call(list, {})).rejects.toMatchObject({
    code: "RATE_LIMITED",
    details: { retry_after_seconds: 3600 },
  });
  expect(requests).toHaveLength(1);
});

test("an error keeps the server's words, its details and its request id", async () => {
  const more = { hint: "Do this.", details: { name: "emails" }, request_id: "req_1" };
  const { call } = scripted(failure(404, "QUEUE_NOT_FOUND", more));
  await expect(call(list, {})).rejects.toMatchObject({
    code: "QUEUE_NOT_FOUND",
    message: "Said by the server.",
    hint: "Do this.",
    details: { name: "emails" },
    requestId: "req_1",
  });
});

test("an unreachable server says why", async () => {
  const { callWith } = scripted(refused());
  await expect(callWith({ maxRetries: 0 })(list, {})).rejects.toThrow(
    "The Rotor server at http://rotor.test cannot be reached: nothing listens there.",
  );
});

test.each([
  [
    "a page of a proxy",
    new Response("<html>", { status: 404 }),
    "status 404 without an error of Rotor's form",
  ],
  [
    "a redirect",
    new Response(null, { status: 301, headers: { location: "https://x.test/" } }),
    "it redirects",
  ],
  ["a page instead of data", new Response("<html>"), "its answer is not JSON"],
  ["an error of a newer server", failure(409, "QUITE_NEW"), "409 QUITE_NEW: Said by the server."],
])("%s: BAD_RESPONSE", async (_, reply, words) => {
  const { callWith } = scripted(reply);
  const error = await callWith({ maxRetries: 0 })(list, {}).catch((thrown) => thrown);
  expect(error.code).toBe("BAD_RESPONSE");
  expect(error.message).toContain(words);
});

test("a server that does not answer in time is unreachable", async () => {
  const { callWith } = scripted("never");
  await expect(callWith({ maxRetries: 0, timeoutMs: 10 })(list, {})).rejects.toThrow(
    "no answer within 0.01 s",
  );
});

test("a caller who gives up gets their own reason, and nothing is sent again", async () => {
  const { requests, call } = scripted("never");
  const controller = new AbortController();
  const pending = call(list, {}, { signal: controller.signal });
  controller.abort(new Error("changed my mind"));
  await expect(pending).rejects.toThrow("changed my mind");
  expect(requests).toHaveLength(1);
});

test("giving up works during the wait for a retry too", async () => {
  const { requests, call } = scripted(failure(429, "RATE_LIMITED", {}, { "retry-after": "30" }));
  const signal = AbortSignal.timeout(20);
  await expect(call(list, {}, { signal })).rejects.toThrow();
  expect(requests).toHaveLength(1);
});

test("a URL or a key that cannot be one is refused before anything is sent", () => {
  expect(() => callOverHttp({ url: "rotor.test", apiKey: "k" })).toThrow("url must be an http or https URL");
  expect(() => callOverHttp({ url: "http://rotor.test", apiKey: "two words" })).toThrow("No valid API key");
});
