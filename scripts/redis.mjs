// Redis for tests and benchmarks: REDIS_URL, or a private server that nothing else knows of.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { findProgram } from "./find-program.mjs";

/** Where Redis is, or a line that says why there is none. Fetches it if need be. */
export async function findRedis() {
  if (process.env.REDIS_URL) return { url: process.env.REDIS_URL };
  return findRedisServer();
}

/** The program itself, for whoever must stop and start it. */
export function findRedisServer() {
  return findProgram({
    names: ["redis-server", "valkey-server"],
    package: "redis-server",
    unpacked: "usr/bin/redis-server",
  });
}

/** Starts Redis on a free port of 127.0.0.1, without persistence. It ends with this process, however that ends. */
export async function startRedis(found) {
  if ("missing" in found) throw new Error(found.missing);
  if ("url" in found) return { url: found.url, stop: async () => {} };

  const folder = await mkdtemp(join(tmpdir(), "rotor-redis-"));
  const port = await freePort();
  const settings = {
    port,
    bind: "127.0.0.1",
    dir: folder,
    save: "",
    appendonly: "no",
    "maxmemory-policy": "noeviction",
  };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
  // The shell waits for the end of its input, which is a pipe from this process.
  const script = '"$@" </dev/null & server=$!; while read -r _; do :; done; kill "$server"; wait "$server"';
  const guard = spawn("/bin/sh", ["-c", script, "rotor-redis-guard", found.path, ...args], {
    cwd: "/",
    detached: true,
    stdio: ["pipe", "pipe", "inherit"],
  });
  const output = [];
  guard.stdout.on("data", (chunk) => output.push(chunk));
  const stop = async () => {
    guard.ref();
    const ended = once(guard, "exit");
    guard.stdin.end();
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  for (const deadline = Date.now() + 10_000; !(await answers(port)); await delay(10)) {
    if (Date.now() < deadline) continue;
    await stop();
    throw new Error(`${found.path} does not answer: ${Buffer.concat(output)}`);
  }
  guard.unref();
  guard.stdin.unref();
  guard.stdout.unref();
  return { url: `redis://127.0.0.1:${port}`, stop };
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

async function answers(port) {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    socket.write("PING\r\n");
    const [reply] = await once(socket, "data");
    return reply.toString().startsWith("+PONG");
  } catch {
    return false; // Not listening yet; the caller has a deadline.
  } finally {
    socket.destroy();
  }
}
