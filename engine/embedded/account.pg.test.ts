import { once } from "node:events";
import { chmod, chown, cp, readdir, realpath, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { isRoot, useEmbedded } from "../testing/embedded.ts";
import { chooseAccount } from "./account.ts";
import { findBinaries, locatePackage } from "./binaries.ts";

const { base, home, start, startChild, postmaster } = useEmbedded();

describe.runIf(isRoot)("for root", () => {
  test("Postgres runs as an account without rights", async () => {
    const { pid } = await start();
    expect((await stat(`/proc/${pid}`)).uid).toBe((await chooseAccount(base()))?.uid);
  });

  test("a data directory that account cannot reach is linked to one that it can, and said so", async () => {
    await chmod(base(), 0o700);
    const log = vi.fn();
    const server = await start({ log });
    const elsewhere = await realpath(home());
    expect(log).toHaveBeenCalledExactlyOnceWith(expect.stringContaining(elsewhere));
    await server.stop();
    expect(await start()).toMatchObject({ adopted: false, url: server.url });
  });

  test("an ordinary user's cluster stays theirs when root uses it", async () => {
    const { uid: nobody, gid } = (await chooseAccount(base())) ?? { uid: 0, gid: 0 };
    await chown(base(), nobody, gid);
    const child = await startChild(String(nobody));
    expect((await stat(`/proc/${child.pid}`)).uid).toBe(nobody);
    const server = await start();
    expect(server).toMatchObject({ adopted: true, pid: child.pid });
    child.process.send("stop");
    await once(child.process, "exit");
    expect(await postmaster()).toBe(child.pid);
    await server.stop();

    await start().then((server) => server.stop());
    expect((await startChild(String(nobody))).adopted).toBe(false);
  });

  test("programs that the account cannot read are copied once to where it can, links restored", async () => {
    const { native } = locatePackage();
    const closed = join(base(), "closed");
    await cp(native, join(closed, "native"), { recursive: true, verbatimSymlinks: true });
    for (const name of await readdir(join(closed, "native", "lib"))) {
      const path = join(closed, "native", "lib", name);
      if (name.endsWith(".so.60")) await rm(path);
    }
    await chmod(closed, 0o700);
    const account = await chooseAccount(base());
    const log = vi.fn();
    const find = () =>
      findBinaries(account, log, { native: join(closed, "native"), version: "0" }, [join(base(), "cache")]);
    expect((await find()).postgres).toContain(join(base(), "cache"));
    await find();
    expect(log).toHaveBeenCalledOnce();
    await start();
  });
});
