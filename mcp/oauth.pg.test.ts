// Access tokens of an identity provider that runs here: who is let in, as whom, and what a client is told otherwise.

import { createHmac, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Json } from "@rotorsh/contract";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { rpc, send } from "./testing/raw.ts";
import { startTestServer, type TestServer } from "./testing/server.ts";

const audience = "https://rotor.example.com/mcp";
const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const stranger = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;

let provider: Server;
let issuer: string;
let server: TestServer;

beforeAll(async () => {
  provider = createServer((request, response) => {
    const body = request.url?.endsWith("/jwks")
      ? { keys: [{ ...publicKey.export({ format: "jwk" }), kid: "k1", alg: "ES256", use: "sig" }] }
      : { issuer, jwks_uri: `${issuer}/jwks` };
    response.end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => provider.listen(0, "127.0.0.1", resolve));
  issuer = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`;
  server = await startTestServer({ oauth: { issuer, audience } });
  const invite = (email: string, role: string) =>
    server.rest("/v1/members", { method: "POST", body: { email, role } });
  await invite("dev@example.com", "developer");
  await invite("boss@example.com", "admin");
  const { body } = await invite("gone@example.com", "admin");
  await server.rest(`/v1/members/${body.id}`, { method: "PATCH", body: { status: "disabled" } });
  await server.rest("/v1/queues", { method: "POST", body: { name: "emails" } });
});

afterAll(async () => {
  await server?.close();
  await new Promise((resolve) => provider.close(resolve));
});

type Made = { claims?: Json; key?: KeyObject; header?: Json };

function token({ claims = {}, key = privateKey, header = {} }: Made = {}): string {
  const part = (value: Json) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const soon = Math.floor(Date.now() / 1000) + 600;
  const base = {
    iss: issuer,
    aud: audience,
    exp: soon,
    email: "dev@example.com",
    scope: "rotor:read rotor:develop",
  };
  const text = `${part({ alg: "ES256", kid: "k1", ...header })}.${part({ ...base, ...claims })}`;
  const signature = sign("sha256", Buffer.from(text), { key, dsaEncoding: "ieee-p1363" });
  return `${text}.${signature.toString("base64url")}`;
}

/** Whoever takes any algorithm the token names takes this one. */
function keyedWith(secret: string | Buffer): string {
  const [, claims] = token().split(".");
  const header = Buffer.from(JSON.stringify({ alg: "HS256", kid: "k1" })).toString("base64url");
  const text = `${header}.${claims}`;
  return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
}

const call = (key: string, name: string, args: Json, path = "/mcp") =>
  rpc({ url: server.url + path, key, method: "tools/call", params: { name, arguments: args } });

test("a member with a token works as that member, and the log has the address", async () => {
  const { status, result } = await call(token(), "upsert_queue", { name: "mine" });
  expect([status, result.isError]).toEqual([200, undefined]);
  const { body } = await server.rest<{ data: Json[] }>("/v1/audit?resource_id=mine");
  expect(body.data[0]).toMatchObject({ surface: "mcp", event_type: "queue.saved" });
});

test("keys go on working", async () => {
  const { result } = await call(server.adminKey, "queue_stats", { name: "emails" });
  expect(result.structuredContent).toMatchObject({ waiting: 0 });
});

test("the address of the provider and the scopes can be read by everyone", async () => {
  for (const path of ["", "/mcp", "/mcp/x/jobs"]) {
    const response = await fetch(`${server.url}/.well-known/oauth-protected-resource${path}`);
    expect(await response.json()).toMatchObject({
      resource: audience,
      authorization_servers: [issuer],
      scopes_supported: ["rotor:read", "rotor:develop", "rotor:approve", "rotor:manage"],
    });
  }
});

describe("401, with where to get a token, for", () => {
  const past = Math.floor(Date.now() / 1000) - 3600;
  test.each<[string, () => string]>([
    ["a token for another server", () => token({ claims: { aud: "https://other.example.com" } })],
    ["a token of another issuer", () => token({ claims: { iss: "https://evil.example.com" } })],
    ["a token that is over", () => token({ claims: { exp: past } })],
    ["a token without an end", () => token({ claims: { exp: undefined } })],
    ["a token signed by somebody else", () => token({ key: stranger })],
    [
      "a token without a signature",
      () =>
        `${token({ header: { alg: "none" } })
          .split(".")
          .slice(0, 2)
          .join(".")}.`,
    ],
    [
      "a token signed with the public key as a secret",
      () => keyedWith(publicKey.export({ format: "pem", type: "spki" })),
    ],
    ["a token that names another kind of signature", () => token({ header: { alg: "RS256" } })],
    ["a token that names a key nobody has", () => token({ header: { kid: "k9" } })],
    ["a token with an extension we do not know", () => token({ header: { crit: ["b64"] } })],
    ["a token that is not valid yet", () => token({ claims: { nbf: past + 7200 } })],
    ["a token of a disabled member", () => token({ claims: { email: "gone@example.com" } })],
    ["a token of somebody who is no member", () => token({ claims: { email: "who@example.com" } })],
    ["an address that nobody verified", () => token({ claims: { email_verified: false } })],
    ["what is no token", () => "abc"],
  ])("%s", async (_, made) => {
    const message = { method: "tools/list", params: {} };
    const response = await send({ url: `${server.url}/mcp`, key: made() }, message);
    expect(response.status).toBe(401);
    const said = response.headers.get("www-authenticate");
    expect(said).toContain('error="invalid_token"');
    expect(said).toContain(`resource_metadata="${server.url}/.well-known/oauth-protected-resource/mcp"`);
  });

  test("no token at all", async () => {
    const response = await fetch(`${server.url}/mcp`, { method: "POST" });
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toMatch(/^Bearer resource_metadata=.*scope="rotor:read/);
  });
});

describe("scopes", () => {
  test("that are missing are named, all at once, with 403", async () => {
    const reader = token({ claims: { scope: "rotor:read" } });
    const { status, headers } = await call(reader, "upsert_queue", { name: "x" });
    expect(status).toBe(403);
    expect(headers.get("www-authenticate")).toContain('error="insufficient_scope", resource_metadata="');
    expect(headers.get("www-authenticate")).toContain('scope="rotor:read rotor:develop"');
  });

  test("give nobody more than the role has", async () => {
    const greedy = token({ claims: { scope: "rotor:read rotor:develop rotor:manage" } });
    const { result } = await rpc({ url: `${server.url}/mcp/x/workspace`, key: greedy, method: "tools/list" });
    expect(JSON.stringify(result)).not.toContain("extend_api_key");
    const boss = token({ claims: { email: "Boss@example.com", scope: "rotor:read rotor:manage" } });
    const theirs = await rpc({ url: `${server.url}/mcp/x/workspace`, key: boss, method: "tools/list" });
    expect(JSON.stringify(theirs.result)).toContain("extend_api_key");
  });
});

test("a token is no key: REST refuses it", async () => {
  expect(
    (await fetch(`${server.url}/v1/queues`, { headers: { authorization: `Bearer ${token()}` } })).status,
  ).toBe(401);
});
