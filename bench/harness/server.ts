// A Rotor server as it is run: its own process, built, with its default settings.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { endWithUs, stopProcess } from "./child.ts";
import { programPath, serverNodeOptions, serverScript } from "./config.ts";

export type Server = {
  url: string;
  key: string;
  /** Signs requests to workflow apps. */
  signingKey: string;
  pid: number;
  request<T = unknown>(method: string, path: string, body?: object): Promise<T>;
  /** Resident memory in MB. */
  rssMb(): Promise<number>;
  stop(): Promise<void>;
};

export type ServerOptions = {
  /** Data folder: keys, log, and Postgres where no database is given. */
  folder: string;
  databaseUrl?: string;
  redisUrl?: string;
};

type DevKeys = { apiKey: string; signingKey: string };

const startMs = 60_000;

export async function startServer(options: ServerOptions): Promise<Server> {
  const { folder, databaseUrl, redisUrl } = options;
  await mkdir(folder, { recursive: true, mode: 0o711 });
  const url = `http://127.0.0.1:${await freePort()}`;
  const child = spawn(process.execPath, [...serverNodeOptions, serverScript], {
    cwd: folder,
    stdio: ["ignore", "pipe", "inherit"],
    env: {
      ...programPath,
      ROTOR_DEV: "1",
      ROTOR_DATA_DIR: folder,
      PORT: new URL(url).port,
      ...(databaseUrl && { DATABASE_URL: databaseUrl }),
      ...(redisUrl && { REDIS_URL: redisUrl }),
    },
  });
  endWithUs(child);
  child.stdout.pipe(createWriteStream(join(folder, "server.log")));
  for (const deadline = Date.now() + startMs; !(await isReady(url)); await sleep(10)) {
    if (child.exitCode !== null) throw new Error(`the server ended with code ${child.exitCode}`);
    if (Date.now() > deadline) throw new Error("the server did not become ready");
  }
  const keys = JSON.parse(await readFile(join(folder, "dev.json"), "utf8")) as DevKeys;
  const pid = child.pid as number;
  return {
    url,
    key: keys.apiKey,
    signingKey: keys.signingKey,
    pid,
    request: (method, path, body) => request(url, keys.apiKey, method, path, body),
    rssMb: () => rssMb(pid),
    stop: () => stopProcess(child),
  };
}

async function request<T>(url: string, key: string, method: string, path: string, body?: object): Promise<T> {
  const response = await fetch(url + path, {
    method,
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return JSON.parse(text) as T;
}

async function isReady(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/readyz`)).ok;
  } catch {
    return false;
  }
}

async function rssMb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN) / 1024;
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}
