// A real server for tests: the real app, on a loopback port, with a database of its own.

import { randomBytes } from "node:crypto";
import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import { createApp } from "@rotorsh/api";
import { type Log, mintKey, startEngine } from "@rotorsh/engine";
import { createTestDatabase } from "@rotorsh/engine/testing";

export type TestServer = {
  url: string;
  /** Of an admin of the workspace `default`. */
  apiKey: string;
  adminToken: string;
  close(): Promise<void>;
};

const log: Log = { debug() {}, info() {}, warn() {}, error() {} };

export async function startTestServer(): Promise<TestServer> {
  const database = await createTestDatabase();
  const { token: apiKey } = mintKey("workspace");
  const adminToken = randomBytes(16).toString("hex");
  const engine = await startEngine({
    databaseUrl: database.url,
    keyRing: { current: "test", keys: new Map([["test", randomBytes(32)]]) },
    egress: { httpToLoopback: true, allow: [] },
    givenKeys: [{ token: apiKey, label: "test", role: "admin" }],
    version: "0.0.0-test",
    log,
  });
  const app = createApp({ engine, adminToken, version: "0.0.0-test", log });
  const server = serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 });
  await new Promise((resolve) => server.once("listening", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    apiKey,
    adminToken,
    async close() {
      await new Promise((resolve) => server.close(resolve));
      await engine.close();
      await database.drop();
    },
  };
}
