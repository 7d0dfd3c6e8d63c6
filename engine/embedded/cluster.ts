// The database cluster on disk, and the database `rotor` in it.

import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import postgres from "postgres";
import { type Account, asAccount } from "./account.ts";
import { type Binaries, cleanEnv } from "./binaries.ts";
import { isErrno } from "./errno.ts";
import { isAlive } from "./process.ts";
import { type Durability, initdbArguments } from "./settings.ts";

const run = promisify(execFile);
const version = "18";

export type Cluster = {
  home: string;
  data: string;
  password: string;
  binaries: Binaries;
  account: Account | undefined;
  durability: Durability;
  log: (message: string) => void;
};

/** Makes the cluster when there is none. It is made beside its place and renamed, so it is whole or absent. */
export async function createCluster(cluster: Cluster): Promise<void> {
  const found = await clusterVersion(cluster.data);
  if (found === version) return;
  if (found) throw new Error(`${cluster.data} was made by Postgres ${found}; this release brings ${version}`);

  await removeDrafts(cluster.home);
  const draft = join(cluster.home, `data.${process.pid}.${randomBytes(4).toString("hex")}`);
  const args = [...initdbArguments, `--pwfile=${join(cluster.home, "password")}`, `--pgdata=${draft}`];
  if (cluster.durability === "throwaway") args.push("--no-sync");
  try {
    await run(cluster.binaries.initdb, args, { cwd: "/", env: cleanEnv, ...asAccount(cluster.account) });
    await rename(draft, cluster.data);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    // Another start was quicker: its cluster has the same password.
    if (!isErrno(error, "EEXIST", "ENOTEMPTY")) throw error;
  }
}

/** Connects, making the database if need be. False while the server is not (or no longer) taking connections. */
export async function reachDatabase(cluster: Cluster, port: number): Promise<boolean> {
  try {
    await query(databaseUrl(cluster, port), "select 1");
    return true;
  } catch (error) {
    if (!isErrno(error, "3D000")) return notAccepting(error);
  }
  try {
    await query(databaseUrl(cluster, port, "postgres"), "create database rotor");
  } catch (error) {
    // Made by another start at the same moment.
    if (!isErrno(error, "42P04", "23505", "55006")) return notAccepting(error);
  }
  return false;
}

export function databaseUrl({ password }: Cluster, port: number, database = "rotor"): string {
  return `postgres://rotor:${password}@127.0.0.1:${port}/${database}`;
}

async function query(url: string, text: string): Promise<void> {
  const sql = postgres(url, { max: 1, connect_timeout: 10, fetch_types: false, onnotice: () => {} });
  try {
    await sql.unsafe(text);
  } finally {
    await sql.end({ timeout: 1 });
  }
}

function notAccepting(error: unknown): false {
  const passing = [
    "57P01",
    "57P02",
    "57P03",
    "53300",
    "ECONNREFUSED",
    "ECONNRESET",
    "CONNECTION_CLOSED",
    "CONNECT_TIMEOUT",
  ];
  if (isErrno(error, ...passing)) return false;
  throw new Error("the embedded Postgres runs, but refuses its own password", { cause: error });
}

async function clusterVersion(data: string): Promise<string | undefined> {
  try {
    return (await readFile(join(data, "PG_VERSION"), "utf8")).trim();
  } catch (error) {
    if (isErrno(error, "ENOENT")) return undefined;
    throw error;
  }
}

/** Half-made clusters of starts that were killed. Those of living processes are still being made. */
async function removeDrafts(home: string): Promise<void> {
  for (const name of await readdir(home)) {
    const pid = /^data\.(\d+)\./.exec(name)?.[1];
    if (pid && !isAlive(Number(pid))) await rm(join(home, name), { recursive: true, force: true });
  }
}
