import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import {
  chmod,
  chown,
  cp,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rm,
  stat,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import postgres from "postgres";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { chooseAccount } from "./account.ts";
import { findBinaries, locatePackage } from "./binaries.ts";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "./index.ts";
import { isPostmasterOf } from "./process.ts";

const isRoot = process.getuid?.() === 0;

let base: string;
let dataDir: string;
let children: ChildProcess[];
let running: EmbeddedPostgres[];

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "rotor-embedded-"));
  await chmod(base, 0o711);
  dataDir = join(base, ".rotor");
  children = [];
  running = [];
});

afterEach(async () => {
  for (const child of children) if (child.exitCode === null) child.kill("SIGKILL");
  await Promise.all(running.map((server) => server.stop()));
  const home = await realpath(join(dataDir, "postgres"));
  await vi.waitFor(async () => expect(await postmaster()).toBeUndefined(), 10_000);
  await rm(home, { recursive: true });
  await rm(base, { recursive: true });
});

async function start(): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({ dataDir, durability: "throwaway" });
  running.push(server);
  return server;
}

type Child = { url: string; pid: number; adopted: boolean; process: ChildProcess };

/** Another process that uses the same data directory. */
async function startChild(...uid: string[]): Promise<Child> {
  const script = new URL("../testing/embedded-server.ts", import.meta.url);
  const execArgv = ["--import", "tsx", "--conditions=@rotorsh/source"];
  const child = fork(script, [dataDir, ...uid], { execArgv });
  children.push(child);
  const [answer] = await Promise.race([
    once(child, "message"),
    once(child, "exit").then(([code]) => Promise.reject(new Error(`the child ended with ${code}`))),
  ]);
  return { ...answer, process: child };
}

async function kill(child: ChildProcess): Promise<void> {
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}

async function query<Row extends object>(url: string, text: string): Promise<Row[]> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    return await sql.unsafe<Row[]>(text);
  } finally {
    await sql.end();
  }
}

const data = () => join(dataDir, "postgres", "data");

/** The process id of the cluster's live postmaster. */
async function postmaster(): Promise<number | undefined> {
  const text = await readFile(join(data(), "postmaster.pid"), "utf8").catch(() => "");
  const pid = Number(text.split("\n")[0]);
  return pid && (await isPostmasterOf(pid, data())) ? pid : undefined;
}

/** Kills what would end Postgres after its user. */
async function killGuards(): Promise<void> {
  const home = await realpath(join(dataDir, "postgres"));
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const command = await readFile(`/proc/${name}/cmdline`, "utf8").catch(() => "");
    if (command.includes("rotor-postgres-guard") && command.includes(home))
      process.kill(Number(name), "SIGKILL");
  }
}

describe("a start", () => {
  test("makes a UTF-8 cluster on loopback, behind a password only its owner can read", async () => {
    const { url, adopted } = await start();
    expect(adopted).toBe(false);
    expect(new URL(url)).toMatchObject({ hostname: "127.0.0.1", username: "rotor", pathname: "/rotor" });
    const [settings] = await query(
      url,
      `select datlocprovider as provider, datlocale as locale, pg_encoding_to_char(encoding) as encoding,
        current_setting('listen_addresses') as addresses, current_setting('unix_socket_directories') as sockets,
        current_setting('password_encryption') as passwords, usesuper as superuser
      from pg_database, pg_user where datname = current_database() and usename = current_user`,
    );
    expect(settings).toEqual({
      provider: "b",
      locale: "C.UTF-8",
      encoding: "UTF8",
      addresses: "127.0.0.1",
      sockets: "",
      passwords: "scram-sha-256",
      superuser: true,
    });
    expect((await stat(join(dataDir, "postgres", "password"))).mode & 0o777).toBe(0o600);
    const wrong = new URL(url);
    wrong.password = "wrong";
    await expect(query(wrong.href, "select 1")).rejects.toMatchObject({ code: "28P01" });
  });

  test("with the durable settings does not answer before the disk has it", async () => {
    const server = await startEmbeddedPostgres({ dataDir });
    running.push(server);
    expect(
      await query(
        server.url,
        `select name, setting from pg_settings
        where name in ('fsync', 'synchronous_commit', 'full_page_writes') order by name`,
      ),
    ).toEqual(["fsync", "full_page_writes", "synchronous_commit"].map((name) => ({ name, setting: "on" })));
  });

  test("after a stop finds its data at the same address", async () => {
    const first = await start();
    await query(first.url, "create table kept as select 7 as number");
    await first.stop();
    expect(await postmaster()).toBeUndefined();
    const second = await start();
    expect(second.url).toBe(first.url);
    expect(await query(second.url, "select number from kept")).toEqual([{ number: 7 }]);
  });

  test("takes a stale pid file for what it is, also when another process has that id now", async () => {
    await (await start()).stop();
    for (const pid of [4_194_000, process.pid]) {
      const lines = [pid, data(), 1, 5432, "", "127.0.0.1", "1 1", "ready   "];
      await writeFile(join(data(), "postmaster.pid"), `${lines.join("\n")}\n`);
      const server = await start();
      expect(server.adopted).toBe(false);
      await server.stop();
    }
  });

  test("does not race with others on an empty directory: all get one postmaster", async () => {
    const servers = [...(await Promise.all([start(), start(), start(), startChild(), startChild()]))];
    expect(new Set(servers.map(({ url, pid }) => `${url} ${pid}`)).size).toBe(1);
    expect(servers.filter(({ adopted }) => !adopted)).toHaveLength(1);
    expect(await readdir(join(dataDir, "postgres"))).not.toContainEqual(expect.stringMatching(/^data\./));
  });
});

describe("the end of a user", () => {
  test("by kill -9 ends Postgres, and committed data is there at the next start", async () => {
    const child = await startChild();
    await query(child.url, "create table kept as select 7 as number");
    await kill(child.process);
    await vi.waitFor(async () => expect(await postmaster()).toBeUndefined(), 5_000);
    expect(await query((await start()).url, "select number from kept")).toEqual([{ number: 7 }]);
  });

  test("by kill -9 while Postgres shuts down does not keep the next start from working", async () => {
    const child = await startChild();
    await kill(child.process);
    const server = await start();
    expect(await query(server.url, "select 1 as one")).toEqual([{ one: 1 }]);
  });

  test.runIf(process.platform === "linux")(
    "that took its guard along leaves an orphan, which is adopted",
    async () => {
      const child = await startChild();
      await query(child.url, "create table kept as select 7 as number");
      await killGuards();
      await kill(child.process);
      expect(await postmaster()).toBe(child.pid);
      const server = await start();
      expect(server).toMatchObject({ adopted: true, pid: child.pid, url: child.url });
      expect(await query(server.url, "select number from kept")).toEqual([{ number: 7 }]);
      await server.stop();
      expect(await postmaster()).toBeUndefined();
    },
  );

  test.runIf(process.platform === "linux")("still ends Postgres when its guard was killed", async () => {
    const server = await start();
    await killGuards();
    await server.stop();
    expect(await postmaster()).toBeUndefined();
  });

  test("leaves Postgres to the users that remain; the last one ends it", async () => {
    const first = await start();
    const second = await startChild();
    const third = await start();
    expect([second.adopted, third.adopted]).toEqual([true, true]);
    await first.stop();
    await kill(second.process);
    expect(await query(third.url, "select 1 as one")).toEqual([{ one: 1 }]);
    await third.stop();
    expect(await postmaster()).toBeUndefined();
  });
});

test("Postgres killed under its user comes back at the same address with what was committed", async () => {
  const server = await start();
  await query(server.url, "create table kept as select 7 as number");
  const before = server.pid;
  process.kill(before, "SIGKILL");
  await vi.waitFor(
    async () => expect(await query(server.url, "select number from kept")).toEqual([{ number: 7 }]),
    {
      timeout: 15_000,
      interval: 50,
    },
  );
  await vi.waitFor(() => expect(server.pid).not.toBe(before));
});

describe.runIf(isRoot)("for root", () => {
  test("Postgres runs as an account without rights", async () => {
    const { pid } = await start();
    expect((await stat(`/proc/${pid}`)).uid).toBe((await chooseAccount(base))?.uid);
  });

  test("a data directory that account cannot reach is linked to one that it can, and said so", async () => {
    await chmod(base, 0o700);
    const log = vi.fn();
    const server = await startEmbeddedPostgres({ dataDir, durability: "throwaway", log });
    running.push(server);
    const home = await realpath(join(dataDir, "postgres"));
    expect(log).toHaveBeenCalledExactlyOnceWith(expect.stringContaining(home));
    await server.stop();
    expect(await start()).toMatchObject({ adopted: false, url: server.url });
  });

  test("an ordinary user's cluster stays theirs when root uses it", async () => {
    const { uid: nobody, gid } = (await chooseAccount(base)) ?? { uid: 0, gid: 0 };
    await chown(base, nobody, gid);
    const child = await startChild(String(nobody));
    expect((await stat(`/proc/${child.pid}`)).uid).toBe(nobody);
    expect(await start()).toMatchObject({ adopted: true, pid: child.pid });
    child.process.send("stop");
    await once(child.process, "exit");
    expect(await postmaster()).toBe(child.pid);
    await Promise.all(running.map((server) => server.stop()));

    await start().then((server) => server.stop());
    expect((await startChild(String(nobody))).adopted).toBe(false);
  });

  test("programs that the account cannot read are copied once to where it can, links restored", async () => {
    const { native } = locatePackage();
    const closed = join(base, "closed");
    await cp(native, join(closed, "native"), { recursive: true, verbatimSymlinks: true });
    for (const name of await readdir(join(closed, "native", "lib"))) {
      const path = join(closed, "native", "lib", name);
      if (name.endsWith(".so.60")) await rm(path);
    }
    await chmod(closed, 0o700);
    const account = await chooseAccount(base);
    const log = vi.fn();
    const find = () =>
      findBinaries(account, log, { native: join(closed, "native"), version: "0" }, [join(base, "cache")]);
    expect((await find()).postgres).toContain(join(base, "cache"));
    await find();
    expect(log).toHaveBeenCalledOnce();
    await start();
  });
});
