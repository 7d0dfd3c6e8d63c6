// Brings the cluster's one postmaster to "ready": adopts a live one, waits for one that is stopping, else starts it.
// No lock of ours: Postgres's own postmaster.pid decides between two starts, and the loser adopts the winner's.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { open, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { asAccount, giveTo } from "./account.ts";
import { cleanEnv } from "./binaries.ts";
import { type Cluster, reachDatabase } from "./cluster.ts";
import { isErrno } from "./errno.ts";
import { type Holder, holdPostmaster } from "./holder.ts";
import { isAlive, isPostmasterOf } from "./process.ts";
import { serverSettings } from "./settings.ts";

const pollMs = 5;
const unreachableMs = 60_000;
const nagMs = 10_000;
const maxAttempts = 20;
const maxLogBytes = 16 * 1024 * 1024;

export type Postmaster = { pid: number; port: number; adopted: boolean; holder: Holder };
type PidFile = { pid: number; port: number; status: string };

export async function ensurePostmaster(cluster: Cluster): Promise<Postmaster> {
  let attempts = 0;
  for (const nag = createNag(cluster); ; ) {
    const found = await readPidFile(cluster.data);
    if (found && (await isPostmasterOf(found.pid, cluster.data))) {
      const adopted = found.status === "ready" && (await adopt(cluster, found));
      if (adopted) return adopted;
      nag(`process ${found.pid} is ${found.status}`);
      await delay(pollMs);
      continue;
    }
    // A dead postmaster's file is left to Postgres, which first makes sure that its children are gone too.
    if (found && isAlive(found.pid)) await rm(join(cluster.data, "postmaster.pid"), { force: true });
    const started = await start(cluster, await choosePort(cluster.home), ++attempts);
    if (started) return started;
    await delay(pollMs);
  }
}

/** Waits until the postmaster that was told to shut down is gone. */
export async function waitUntilStopped({ data }: Cluster, pid: number): Promise<void> {
  while ((await readPidFile(data))?.pid === pid && (await isPostmasterOf(pid, data))) await delay(pollMs);
}

async function adopt(cluster: Cluster, { pid, port }: PidFile): Promise<Postmaster | undefined> {
  // Hold first: from here on another user's stop leaves the postmaster running.
  const holder = await holdPostmaster(cluster, pid, false);
  if (await becomesReachable(cluster, { pid, port })) return { pid, port, adopted: true, holder };
  await holder.release();
  return undefined;
}

async function start(cluster: Cluster, port: number, attempt: number): Promise<Postmaster | undefined> {
  const log = await openLog(cluster);
  const settings = Object.entries(serverSettings(port, cluster.durability));
  const args = ["-D", cluster.data, ...settings.flatMap(([name, value]) => ["-c", `${name}=${value}`])];
  try {
    const child = spawn(cluster.binaries.postgres, args, {
      cwd: "/",
      env: cleanEnv,
      // Its own process group: Ctrl-C in a terminal is for the server, which drains before it stops Postgres.
      detached: true,
      windowsHide: true,
      stdio: ["ignore", log.file.fd, log.file.fd],
      ...asAccount(cluster.account),
    });
    child.unref();
    await once(child, "spawn");
    const pid = Number(child.pid);
    const holder = await holdPostmaster(cluster, pid, true);
    for (const nag = createNag(cluster); child.exitCode === null && child.signalCode === null; ) {
      const file = await readPidFile(cluster.data);
      if (file?.pid === pid && file.status === "ready" && (await becomesReachable(cluster, { pid, port }))) {
        await keepPort(cluster, port);
        return { pid, port, adopted: false, holder };
      }
      nag(`process ${pid} is ${file?.status || "starting"}`);
      await delay(pollMs);
    }
    await holder.release();
    await explainExit(await log.read(), attempt);
    return undefined;
  } finally {
    await log.file.close();
  }
}

/** Returns when trying again makes sense: someone took the port or the cluster, or a crashed server's children linger. */
async function explainExit(output: string, attempt: number): Promise<void> {
  const passing = /Address already in use|postmaster\.pid" already exists|shared memory block|still in use/i;
  if (!passing.test(output) || attempt >= maxAttempts) {
    throw new Error(
      `the embedded Postgres did not start: ${output.trim().slice(-2000) || "it said nothing"}`,
    );
  }
  await delay(pollMs * attempt);
}

/** False when the postmaster stops meanwhile. */
async function becomesReachable(
  cluster: Cluster,
  { pid, port }: { pid: number; port: number },
): Promise<boolean> {
  const deadline = Date.now() + unreachableMs;
  while (!(await reachDatabase(cluster, port))) {
    const file = await readPidFile(cluster.data);
    if (file?.pid !== pid || file.status !== "ready" || !isAlive(pid)) return false;
    if (Date.now() > deadline) throw new Error(`the embedded Postgres (process ${pid}) takes no connections`);
    await delay(pollMs);
  }
  return true;
}

/** Its lines: process id, folder, start time, port, socket folder, address, shared memory, status. */
async function readPidFile(data: string): Promise<PidFile | undefined> {
  try {
    const lines = (await readFile(join(data, "postmaster.pid"), "utf8")).split("\n");
    const [pid, , , port, , , , status = ""] = lines;
    return Number(pid) > 0 ? { pid: Number(pid), port: Number(port), status: status.trim() } : undefined;
  } catch (error) {
    if (isErrno(error, "ENOENT")) return undefined;
    throw error;
  }
}

async function openLog({ home, account }: Cluster) {
  const path = join(home, "postgres.log");
  let file = await open(path, "a", 0o600);
  if ((await file.stat()).size > maxLogBytes) {
    await file.close();
    await rename(path, `${path}.old`);
    file = await open(path, "a", 0o600);
  }
  await giveTo(account, path);
  const { size } = await file.stat();
  return { file, read: async () => (await readFile(path)).subarray(size).toString("utf8") };
}

/** The last port while it is free, so that the address in other tools, and in processes that share it, stays valid. */
async function choosePort(home: string): Promise<number> {
  const last = Number(await readFile(join(home, "port"), "utf8").catch(absent));
  return (last && (await freePort(last).catch(taken))) || (await freePort(0));
}

async function keepPort({ home, account }: Cluster, port: number): Promise<void> {
  const path = join(home, "port");
  await writeFile(path, String(port), { mode: 0o600 });
  await giveTo(account, path);
}

async function freePort(wanted: number): Promise<number> {
  const server = createServer().listen(wanted, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (!address || typeof address === "string") throw new Error("the system gave no free port");
  return address.port;
}

function absent(error: unknown): undefined {
  if (!isErrno(error, "ENOENT")) throw error;
}

function taken(error: unknown): undefined {
  if (!isErrno(error, "EADDRINUSE", "EACCES")) throw error;
}

/** Says what is being waited for when it takes long, as the recovery of a large log after a crash may. */
function createNag({ log }: Cluster): (state: string) => void {
  let next = Date.now() + nagMs;
  return (state) => {
    if (Date.now() < next) return;
    next = Date.now() + nagMs;
    log(`waiting for the embedded Postgres: ${state}`);
  };
}
