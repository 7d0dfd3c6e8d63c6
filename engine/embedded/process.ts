// What the operating system knows about a process id that was read from a file.

import { execFile } from "node:child_process";
import { stat } from "node:fs/promises";
import { promisify } from "node:util";
import { isErrno } from "./errno.ts";

const run = promisify(execFile);

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    if (isErrno(error, "ESRCH")) return false;
    if (isErrno(error, "EPERM")) return true;
    throw error;
  }
}

/** Whether a live process is the postmaster of this cluster, not a stranger (or a zombie) with a recycled id. */
export async function isPostmasterOf(pid: number, data: string): Promise<boolean> {
  if (!isAlive(pid)) return false;
  if (process.platform === "linux") return worksIn(pid, data);
  if (process.platform === "win32") return true;
  const { stdout } = await run("/bin/ps", ["-o", "command=", "-p", String(pid)]).catch(() => ({
    stdout: "",
  }));
  return stdout.includes(data);
}

/** A postmaster's working directory is its cluster. */
async function worksIn(pid: number, data: string): Promise<boolean> {
  const folder = await stat(data);
  try {
    const cwd = await stat(`/proc/${pid}/cwd`);
    return cwd.dev === folder.dev && cwd.ino === folder.ino;
  } catch (error) {
    if (isErrno(error, "ENOENT", "ESRCH")) return false;
    // Only a process of another user hides its folder from us, and a postmaster is of the cluster's owner.
    if (isErrno(error, "EACCES", "EPERM")) return false;
    throw error;
  }
}
