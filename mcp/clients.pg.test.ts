// Programs that people connect with, as they are published, against the whole server.

import { execFile } from "node:child_process";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import type { Json } from "@rotorsh/contract";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { tools } from "./testing/conformance.ts";
import { startTestServer, type TestServer } from "./testing/server.ts";

let server: TestServer;
const minute = { timeout: 120_000 };

beforeAll(async () => {
  server = await startTestServer();
  await server.rest("/v1/queues", { method: "POST", body: { name: "emails" } });
});

afterAll(() => server.close());

/** The inspector's command line; it says what it got as JSON. */
function inspect(...args: string[]): Promise<{ code: number; said: Json }> {
  const { node, inspector } = tools as NonNullable<typeof tools>;
  const where = ["--cli", "--server-url", `${server.url}/mcp`, "--transport", "http"];
  const key = ["--header", `Authorization: Bearer ${server.adminKey}`, "--format", "json"];
  return new Promise((resolve, reject) => {
    execFile(node, [inspector, ...where, ...key, ...args], { timeout: 100_000 }, (error, stdout, stderr) => {
      const code = typeof error?.code === "number" ? error.code : 0;
      try {
        resolve({ code, said: JSON.parse(stdout) as Json });
      } catch {
        reject(new Error(`${code}: ${stdout}${stderr}`));
      }
    });
  });
}

describe.skipIf(!tools)("the inspector", () => {
  test.each(["modern", "legacy"])("lists and calls tools in the %s era", minute, async (era) => {
    const listed = await inspect("--protocol-era", era, "--method", "tools/list", "--strict");
    expect(listed.code).toBe(0);
    expect(JSON.stringify(listed.said)).toContain('"queue_stats"');
    const call = ["--method", "tools/call", "--tool-name", "queue_stats", "--tool-arg", "name=emails"];
    const called = await inspect("--protocol-era", era, ...call);
    expect(called.code).toBe(0);
    expect(JSON.stringify(called.said)).toContain('"waiting":0');
  });
});

test.skipIf(!tools)(
  "mcp-remote brings the hosted server to a host that only starts programs",
  minute,
  async () => {
    const { remote } = tools as NonNullable<typeof tools>;
    const key = ["--header", `Authorization:Bearer ${server.adminKey}`];
    const args = [remote, `${server.url}/mcp`, "--allow-http", "--transport", "http-only", ...key];
    const client = new Client({ name: "desktop", version: "1" }, { versionNegotiation: { mode: "legacy" } });
    await client.connect(new StdioClientTransport({ command: process.execPath, args, stderr: "ignore" }));
    const { structuredContent } = await client.callTool({
      name: "queue_stats",
      arguments: { name: "emails" },
    });
    expect(structuredContent).toMatchObject({ waiting: 0, active: 0 });
    await client.close();
  },
);
