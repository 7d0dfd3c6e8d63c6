// Where the cluster lives: `<dataDir>/postgres`, with the database in `data`, its password, log and users beside it.
// When root's Postgres account cannot reach the data directory, `postgres` is a link to a folder that it can.

import { randomBytes } from "node:crypto";
import { chmod, link, lstat, mkdir, readFile, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Account, canEnter, giveTo } from "./account.ts";
import { isErrno } from "./errno.ts";

const externalRoot = "/var/lib/rotor";

/** Finds or makes the folder, and answers with its real path. Safe to call from several processes at once. */
export async function openHome(
  dataDir: string,
  account: Account | undefined,
  log: (message: string) => void,
): Promise<string> {
  await mkdir(dataDir, { recursive: true, mode: account ? 0o711 : 0o700 });
  const home = join(dataDir, "postgres");
  if (!(await exists(home))) {
    if (account) await allowPassage(dataDir);
    if (!account || (await canEnter(dataDir, account))) await makeFolder(home, account);
    else await makeExternal(home, account, log);
  }
  const real = await realpath(home).catch((cause) => {
    throw new Error(
      `${home} points to a folder that is gone: bring it back, or delete the link to start empty`,
      { cause },
    );
  });
  if (account && !(await canEnter(real, account))) {
    throw new Error(`the account ${account.name} that runs Postgres cannot enter ${real}`);
  }
  return real;
}

/** The superuser's password, made at the first start. Of two first starts, both use the one written first. */
export async function openPassword(home: string, account: Account | undefined): Promise<string> {
  const path = join(home, "password");
  if (!(await exists(path))) {
    const draft = join(home, `password.${process.pid}.${randomBytes(4).toString("hex")}`);
    await writeFile(draft, randomBytes(24).toString("base64url"), { mode: 0o600 });
    await giveTo(account, draft);
    await link(draft, path).catch((error) => {
      if (!isErrno(error, "EEXIST")) throw error;
    });
    await rm(draft);
  }
  return (await readFile(path, "utf8")).trim();
}

export async function makeFolder(path: string, account: Account | undefined): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    if (!isErrno(error, "EEXIST")) throw error;
  }
  await giveTo(account, path);
}

/** Files in the data directory carry their own 0600; entering it must be possible, listing it need not be. */
async function allowPassage(dataDir: string): Promise<void> {
  const { mode, uid } = await lstat(dataDir);
  if (uid === 0 && !(mode & 0o001)) await chmod(dataDir, (mode & 0o7777) | 0o111);
}

async function makeExternal(home: string, account: Account, log: (message: string) => void): Promise<void> {
  // A random name, not one made from the path: a deleted data directory must not come back to life.
  const folder = join(externalRoot, randomBytes(8).toString("hex"));
  await mkdir(externalRoot, { recursive: true, mode: 0o755 });
  await makeFolder(folder, account);
  try {
    await symlink(folder, home);
    log(`embedded Postgres keeps its data in ${folder}: ${account.name}, who runs it, cannot enter ${home}`);
  } catch (error) {
    await rm(folder, { recursive: true });
    if (!isErrno(error, "EEXIST")) throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (isErrno(error, "ENOENT")) return false;
    throw error;
  }
}
