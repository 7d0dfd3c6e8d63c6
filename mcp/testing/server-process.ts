// The server as it is run: a process of its own, which a test may kill and start again on the same database.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Json } from "@rotorsh/contract";
import { mintKey } from "@rotorsh/engine";
import { createTestDatabase } from "@rotorsh/engine/testing";

export type ServerProcess = {
  url: string;
  adminKey: string;
  start(): Promise<void>;
  /** As a machine that loses its power. */
  kill(): Promise<void>;
  rest<Body = Json>(
    path: string,
    request?: { method?: string; body?: unknown },
  ): Promise<{ status: number; body: Body }>;
  /** Kills it, and removes what it kept. */
  remove(): Promise<void>;
};

export async function createServerProcess(): Promise<ServerProcess> {
  const database = await createTestDatabase();
  const folder = await mkdtemp(join(tmpdir(), "rotor-mcp-"));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const adminKey = mintKey("workspace").token;
  const env = {
    PATH: process.env.PATH ?? "",
    PORT: String(port),
    DATABASE_URL: database.url,
    ROTOR_DEV: "1",
    ROTOR_DATA_DIR: folder,
    ROTOR_API_KEY: adminKey,
    LOG_LEVEL: "warn",
  };
  const script = new URL("../../api/server.ts", import.meta.url).pathname;
  const args = ["--import", "tsx", "--conditions=@rotorsh/source", script];
  let child: ChildProcess | undefined;
  const killChild = () => child?.kill("SIGKILL");
  process.on("exit", killChild);

  async function kill(): Promise<void> {
    if (!child) return;
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
    child = undefined;
  }

  return {
    url,
    adminKey,
    async start() {
      child = spawn(process.execPath, args, { env, stdio: ["ignore", "ignore", "inherit"] });
      while (!(await isReady(url))) {
        if (child.exitCode !== null) throw new Error(`the server ended with code ${child.exitCode}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    kill,
    async rest<Body>(path: string, { method = "GET", body }: { method?: string; body?: unknown } = {}) {
      const headers = { authorization: `Bearer ${adminKey}`, "content-type": "application/json" };
      const init = body === undefined ? { method, headers } : { method, headers, body: JSON.stringify(body) };
      const response = await fetch(url + path, init);
      return { status: response.status, body: (await response.json()) as Body };
    },
    async remove() {
      await kill();
      process.off("exit", killChild);
      await database.drop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function isReady(url: string): Promise<boolean> {
  return fetch(`${url}/readyz`).then(
    ({ ok }) => ok,
    () => false,
  );
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
