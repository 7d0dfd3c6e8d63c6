// A real server for tests: the whole app with a database of its own, on a loopback port.

import { randomBytes } from "node:crypto";
import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import { type AppOptions, createApp } from "@rotorsh/api";
import type { Json } from "@rotorsh/contract";
import { type Log, mintKey, type OAuthOptions, startEngine } from "@rotorsh/engine";
import { createTestDatabase } from "@rotorsh/engine/testing";

type RestRequest = { method?: string; body?: unknown; key?: string };

export type TestServer = {
  url: string;
  databaseUrl: string;
  /** Keys of the workspace `default`. */
  adminKey: string;
  developerKey: string;
  adminToken: string;
  /** What REST answers. */
  rest<Body = Json>(path: string, request?: RestRequest): Promise<{ status: number; body: Body }>;
  close(): Promise<void>;
};

const log: Log = { debug() {}, info() {}, warn() {}, error() {} };

type TestOptions = { redisUrl?: string; mcp?: AppOptions["mcp"]; oauth?: OAuthOptions };

export async function startTestServer({ redisUrl, mcp, oauth }: TestOptions = {}): Promise<TestServer> {
  const database = await createTestDatabase();
  const [adminKey, developerKey] = [mintKey("workspace").token, mintKey("workspace").token];
  const adminToken = randomBytes(16).toString("hex");
  const engine = await startEngine({
    databaseUrl: database.url,
    redisUrl,
    keyRing: { current: "test", keys: new Map([["test", randomBytes(32)]]) },
    egress: { httpToLoopback: true, allow: [] },
    givenKeys: [
      { token: adminKey, label: "admin", role: "admin" },
      { token: developerKey, label: "developer", role: "developer" },
    ],
    oauth,
    version: "0.0.0-test",
    log,
  });
  const app = createApp({ engine, adminToken, version: "0.0.0-test", log, mcp: { ...mcp, oauth } });
  const server = serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 });
  await new Promise((resolve) => server.once("listening", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    databaseUrl: database.url,
    adminKey,
    developerKey,
    adminToken,
    async rest<Body>(path: string, { method = "GET", body, key = adminKey }: RestRequest = {}) {
      const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
      const init = body === undefined ? { method, headers } : { method, headers, body: JSON.stringify(body) };
      const response = await fetch(url + path, init);
      return { status: response.status, body: (await response.json()) as Body };
    },
    async close() {
      await new Promise((resolve) => server.close(resolve));
      await engine.close();
      await database.drop();
    },
  };
}
