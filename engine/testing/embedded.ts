// A data directory of each test's own, and the processes that use its Postgres.

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, readdir, readFile, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import postgres from "postgres";
import { afterEach, beforeEach, expect, vi } from "vitest";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "../embedded/index.ts";
import { isPostmasterOf } from "../embedded/process.ts";

export const isRoot = process.getuid?.() === 0;

type Child = { url: string; pid: number; adopted: boolean; process: ChildProcess };

export function useEmbedded() {
  let base: string;
  let children: ChildProcess[];
  let running: EmbeddedPostgres[];

  const dataDir = () => join(base, ".rotor");
  const home = () => join(dataDir(), "postgres");
  const data = () => join(home(), "data");

  beforeEach(async () => {
    base = await mkdtemp(join(tmpdir(), "rotor-embedded-"));
    await chmod(base, 0o711);
    children = [];
    running = [];
  });

  afterEach(async () => {
    for (const child of children) if (child.exitCode === null) child.kill("SIGKILL");
    await Promise.all(running.map((server) => server.stop()));
    await vi.waitFor(async () => expect(await postmaster()).toBeUndefined(), 10_000);
    await rm(await realpath(home()), { recursive: true });
    await rm(base, { recursive: true });
  });

  async function start(options: { durability?: "durable"; log?: (line: string) => void } = {}) {
    const server = await startEmbeddedPostgres({ dataDir: dataDir(), durability: "throwaway", ...options });
    running.push(server);
    return server;
  }

  /** Another process that uses the same data directory. */
  async function startChild(...uid: string[]): Promise<Child> {
    const execArgv = ["--import", "tsx", "--conditions=@rotorsh/source"];
    const child = fork(new URL("embedded-server.ts", import.meta.url), [dataDir(), ...uid], { execArgv });
    children.push(child);
    const [answer] = await Promise.race([
      once(child, "message"),
      once(child, "exit").then(([code]) => Promise.reject(new Error(`the child ended with ${code}`))),
    ]);
    return { ...answer, process: child };
  }

  /** The process id of the cluster's live postmaster. */
  async function postmaster(): Promise<number | undefined> {
    const text = await readFile(join(data(), "postmaster.pid"), "utf8").catch(() => "");
    const pid = Number(text.split("\n")[0]);
    return pid && (await isPostmasterOf(pid, data())) ? pid : undefined;
  }

  /** Kills what would end Postgres after its user. */
  async function killGuards(): Promise<void> {
    const folder = await realpath(home());
    for (const name of await readdir("/proc")) {
      if (!/^\d+$/.test(name)) continue;
      const command = await readFile(`/proc/${name}/cmdline`, "utf8").catch(() => "");
      if (command.includes("rotor-postgres-guard") && command.includes(folder)) {
        process.kill(Number(name), "SIGKILL");
      }
    }
  }

  return { base: () => base, home, data, start, startChild, postmaster, killGuards };
}

export async function kill(child: ChildProcess): Promise<void> {
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}

export async function query<Row extends object>(url: string, text: string): Promise<Row[]> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    return await sql.unsafe<Row[]>(text);
  } finally {
    await sql.end();
  }
}
