// A Redis of a test's own, which it may stop, start and spoil.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { findRedisServer } from "../../scripts/redis.mjs";

export type RedisServer = {
  url: string;
  start(): Promise<void>;
  /** As a machine that loses its power: what it held is gone. */
  kill(): Promise<void>;
  command(...words: [string, ...string[]]): Promise<unknown>;
  /** Kills it and removes its folder. */
  remove(): Promise<void>;
};

/** Keeps nothing on disk. `settings` are redis-server's own, e.g. `--cluster-enabled yes`. */
export async function createRedisServer(...settings: string[]): Promise<RedisServer> {
  const found = await findRedisServer();
  if ("missing" in found) throw new Error(found.missing);
  const port = await freePort();
  const dir = await mkdtemp(join(tmpdir(), "rotor-redis-"));
  const fixed = [
    "--port",
    String(port),
    "--bind",
    "127.0.0.1",
    "--dir",
    dir,
    "--save",
    "",
    "--appendonly",
    "no",
  ];
  const url = `redis://127.0.0.1:${port}`;
  let child: ChildProcess | undefined;
  const killChild = () => child?.kill("SIGKILL");
  process.on("exit", killChild);

  async function command(...[name, ...rest]: [string, ...string[]]): Promise<unknown> {
    const client = new Redis(url, { retryStrategy: (times) => (times < 200 ? 25 : null) });
    client.on("error", () => {});
    try {
      return await client.call(name, ...rest);
    } finally {
      client.disconnect();
    }
  }

  async function kill(): Promise<void> {
    if (!child) return;
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
    child = undefined;
  }

  return {
    url,
    async start() {
      child = spawn(found.path, [...fixed, ...settings], { stdio: "ignore" });
      await command("PING");
    },
    kill,
    command,
    async remove() {
      await kill();
      process.off("exit", killChild);
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
