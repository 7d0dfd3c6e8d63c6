import { readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { query, useEmbedded } from "../testing/embedded.ts";

const { home, data, start, startChild, postmaster } = useEmbedded();

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
    expect((await stat(join(home(), "password"))).mode & 0o777).toBe(0o600);
    const wrong = new URL(url);
    wrong.password = "wrong";
    await expect(query(wrong.href, "select 1")).rejects.toMatchObject({ code: "28P01" });
  });

  test("with the durable settings does not answer before the disk has it", async () => {
    const server = await start({ durability: "durable" });
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
    expect(await readdir(home())).not.toContainEqual(expect.stringMatching(/^data\./));
  });
});
