// The processes of a run: Postgres, perhaps Redis, two that answer requests, two that work, and the handlers.

import { type ChildProcess, fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { mintKey, mintSigningKey } from "@rotorsh/engine";
import { startEmbeddedPostgres } from "@rotorsh/engine/embedded";
import { findRedis } from "../../scripts/redis.mjs";
import { programPath, serverNodeOptions, serverScript } from "../harness/config.ts";
import { freePort } from "../harness/server.ts";
import { createProgram, type Program } from "./program.ts";
import type { Story } from "./story.ts";

export type Api = Program & { url: string };

export type Stage = {
  folder: string;
  databaseUrl: string;
  /** The postmaster, which is started again by itself when it is killed. */
  postgresPid(): number;
  redis: (Program & { url: string }) | undefined;
  apis: Api[];
  workers: Api[];
  /** Where deliveries go, and what was seen of them. */
  receiverUrl: string;
  ledgerPath: string;
  apiKey: string;
  signingKey: string;
  close(keep: boolean): Promise<void>;
};

export async function openStage(seed: number, withRedis: boolean, story: Story): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), "rotor-chaos-"));
  // Run by root, Postgres has another account, which must be able to enter.
  await chmod(folder, 0o711);
  const postgres = await startEmbeddedPostgres({ dataDir: folder, log: story.tell });
  const ledgerPath = join(folder, "ledger.jsonl");
  const receiver = await startReceiver(ledgerPath, seed);
  const redis = withRedis ? await openRedis(folder, story) : undefined;
  const apiKey = mintKey("workspace").token;
  const signingKey = mintSigningKey();
  const env = {
    ...programPath,
    DATABASE_URL: postgres.url,
    ROTOR_ENCRYPTION_KEY: `k1:${randomBytes(32).toString("base64")}`,
    ROTOR_EGRESS_ALLOW: "127.0.0.1/32",
    ROTOR_API_KEY: apiKey,
    ROTOR_SIGNING_KEY: signingKey,
    LOG_LEVEL: "info",
    ...(redis && { REDIS_URL: redis.url }),
  };
  const server = async (name: string, role: string) => openServer({ name, role, folder, env }, story);
  const apis = [await server("api-1", "api"), await server("api-2", "api")];
  const workers = [await server("worker-1", "worker"), await server("worker-2", "worker")];
  return {
    ...{ folder, databaseUrl: postgres.url, redis, apis, workers, ledgerPath, apiKey, signingKey },
    postgresPid: () => postgres.pid,
    receiverUrl: receiver.url,
    async close(keep) {
      await Promise.all([...apis, ...workers].map((program) => program.kill()));
      await redis?.kill();
      receiver.process.disconnect();
      await postgres.stop();
      if (keep) return;
      await rm(await realpath(join(folder, "postgres")), { recursive: true, force: true });
      await rm(folder, { recursive: true, force: true });
    },
  };
}

type ServerPlan = { name: string; role: string; folder: string; env: NodeJS.ProcessEnv };

async function openServer({ name, role, folder, env }: ServerPlan, story: Story): Promise<Api> {
  const port = await freePort();
  const cwd = join(folder, name);
  await mkdir(cwd);
  const own = { ...env, ROTOR_ROLE: role, PORT: String(port), ROTOR_DATA_DIR: cwd };
  const args = [...serverNodeOptions, serverScript];
  const program = createProgram({ name, command: process.execPath, args, options: { cwd, env: own } }, story);
  // Not spread: its process id is read when it is asked for.
  return Object.assign(program, { url: `http://127.0.0.1:${port}` });
}

async function openRedis(folder: string, story: Story) {
  const found = await findRedis();
  if (!("path" in found))
    throw new Error("missing" in found ? found.missing : "a Redis of its own is needed");
  const port = await freePort();
  const settings =
    `--port ${port} --bind 127.0.0.1 --maxmemory-policy noeviction --appendonly no --save`.split(" ");
  const options = { cwd: folder, env: programPath };
  const args = [...settings, "", "--dir", folder];
  const program = createProgram({ name: "redis", command: found.path, args, options }, story);
  program.start();
  return Object.assign(program, { url: `redis://127.0.0.1:${port}` });
}

async function startReceiver(
  ledgerPath: string,
  seed: number,
): Promise<{ url: string; process: ChildProcess }> {
  const child = fork(new URL("receiver.ts", import.meta.url), [ledgerPath, String(seed)]);
  const [port] = await once(child, "message");
  return { url: `http://127.0.0.1:${port}/`, process: child };
}

export async function becomesReady(api: { name: string; url: string }, withinMs = 60_000): Promise<void> {
  for (const deadline = Date.now() + withinMs; ; await sleep(50)) {
    const ready = await fetch(`${api.url}/readyz`, { signal: AbortSignal.timeout(2000) }).catch(
      () => undefined,
    );
    await ready?.body?.cancel();
    if (ready?.ok) return;
    if (Date.now() > deadline) throw new Error(`${api.name} did not become ready`);
  }
}

export async function startServers({ apis, workers }: Stage, story: Story): Promise<void> {
  // The first one makes the tables.
  apis[0]?.start();
  await becomesReady(apis[0] as (typeof apis)[number]);
  for (const program of [...apis.slice(1), ...workers]) program.start();
  await Promise.all([...apis, ...workers].map((program) => becomesReady(program)));
  story.tell("all processes are ready");
}

/** A server that is told to end does so by itself. */
export async function drain({ apis, workers }: Stage, { accuse }: Story): Promise<void> {
  await Promise.all(
    [...apis, ...workers].map(async (program) => {
      const code = await program.end(20_000);
      if (code !== 0) accuse(`${program.name} was told to end, and did so with ${code ?? "a kill"}`);
    }),
  );
}
