// Postgres refuses to run as root, so a server started by root hands it to an unprivileged account.

import { execFile } from "node:child_process";
import { chown, readFile, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { isErrno } from "./errno.ts";

const run = promisify(execFile);

export type Account = { name: string; uid: number; gid: number };

/**
 * The account that runs Postgres, or undefined to run it as ourselves. An existing folder keeps its owner, so
 * that a cluster made by an ordinary user stays theirs when root starts the server once.
 */
export async function chooseAccount(folder: string): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const accounts = parsePasswd(await readFile("/etc/passwd", "utf8"));
  const owner = await ownerOf(folder);
  const account = accounts.find((a) => a.uid !== 0 && a.uid === owner);
  const chosen = account ?? accounts.find((a) => a.name === "nobody");
  if (!chosen) {
    throw new Error(
      "Postgres cannot run as root and /etc/passwd has no `nobody`: run Rotor as an ordinary user",
    );
  }
  return chosen;
}

/** Options that make a child process run as the account. */
export function asAccount(account: Account | undefined): { uid?: number; gid?: number } {
  return account ? { uid: account.uid, gid: account.gid } : {};
}

/** Files that root makes in the cluster's folder belong to the account, which may be a user who starts it later. */
export async function giveTo(account: Account | undefined, path: string): Promise<void> {
  if (account) await chown(path, account.uid, account.gid);
}

/** Whether the account may enter the folder. Asked of the kernel, because modes alone miss ACLs and mounts. */
export async function canEnter(folder: string, account: Account): Promise<boolean> {
  try {
    await run("/bin/sh", ["-c", 'cd "$1"', "sh", folder], { cwd: "/", env: {}, ...asAccount(account) });
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && typeof error.code === "number") return false;
    throw error;
  }
}

/** The owner of the folder, or of the nearest parent that exists when that is not root. */
async function ownerOf(folder: string): Promise<number> {
  for (let path = folder; ; path = dirname(path)) {
    try {
      return (await stat(path)).uid;
    } catch (error) {
      if (!isErrno(error, "ENOENT") || path === dirname(path)) throw error;
    }
  }
}

function parsePasswd(text: string): Account[] {
  return text
    .split("\n")
    .map((line) => line.split(":"))
    .map(([name = "", , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }))
    .filter((account) => account.name && Number.isInteger(account.uid) && Number.isInteger(account.gid));
}
