// Who uses a running postmaster, and what ends it. Each user registers a file named by its process id and keeps a
// small shell process whose standard input is a pipe from it. The pipe closes when the user lets go or dies, by
// kill -9 too; the shell then removes the file and, if no other user lives, shuts the postmaster down.

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { cleanEnv } from "./binaries.ts";
import { isAlive } from "./process.ts";

const run = promisify(execFile);

import type { Cluster } from "./cluster.ts";
import { makeFolder } from "./home.ts";

// $1 postmaster, $2 its pid file, $3 folder of users, $4 our file in it. A postmaster that is still starting may
// not have written its pid file. Exit code 10: told to shut down; 0: still in use, or gone already.
const guardScript = `
trap '' INT TERM HUP
while read -r _; do :; done
rm -f "$3/$4"
for user in "$3"/*; do
  pid="\${user##*/}"; pid="\${pid%%.*}"
  if kill -0 "$pid" 2>/dev/null || [ -d "/proc/$pid" ]; then exit 0; fi
done
tries=0
while kill -0 "$1" 2>/dev/null && [ "$tries" -lt 100 ]; do
  if [ -r "$2" ] && read -r pid < "$2" && [ "$pid" = "$1" ]; then kill -INT "$1" && exit 10; fi
  tries=$((tries + 1)); sleep 0.1
done
exit 0
`;

export type Holder = {
  /** Lets go. Answers whether the postmaster was told to shut down. */
  release(): Promise<boolean>;
};

let holders = 0;

/** `started` says that the postmaster is new, so that anything known about its process id is about another. */
export async function holdPostmaster(
  cluster: Cluster,
  postmaster: number,
  started: boolean,
): Promise<Holder> {
  if (process.platform === "win32") return holdOnWindows(cluster);
  const folder = await openUsers(cluster, postmaster, started);
  const name = `${process.pid}.${++holders}`;
  const args = [String(postmaster), join(cluster.data, "postmaster.pid"), folder, name];
  const guard = spawnGuard(args, "pipe");
  guard.unref();
  await writeFile(join(folder, name), "");
  return {
    async release() {
      guard.ref();
      guard.stdin?.end();
      const { exitCode } = guard;
      const code = exitCode ?? (guard.signalCode ? null : (await once(guard, "exit"))[0]);
      // A guard that was killed is replaced by one whose input has ended already.
      return (code ?? (await once(spawnGuard(args, "ignore"), "exit"))[0]) === 10;
    },
  };
}

function spawnGuard(args: string[], stdin: "pipe" | "ignore"): ChildProcess {
  const guard = spawn("/bin/sh", ["-c", guardScript, "rotor-postgres-guard", ...args], {
    cwd: "/",
    env: cleanEnv,
    detached: true,
    stdio: [stdin, "ignore", "ignore"],
  });
  // Writing nothing, the pipe can only fail by the guard's death, which `release` sees.
  guard.stdin?.on("error", () => {});
  return guard;
}

/** There is no guard on Windows: a killed server leaves its postmaster, and the next start adopts it. */
function holdOnWindows({ binaries, data }: Cluster): Holder {
  return {
    async release() {
      await run(binaries.pgCtl, ["stop", "--mode=fast", "--wait", `--pgdata=${data}`]);
      return true;
    },
  };
}

async function openUsers({ home, account }: Cluster, postmaster: number, started: boolean): Promise<string> {
  for (const name of await readdir(home)) {
    const pid = Number(/^users\.(\d+)$/.exec(name)?.[1]);
    const over = pid === postmaster ? started : pid && !isAlive(pid);
    if (over) await rm(join(home, name), { recursive: true, force: true });
  }
  const folder = join(home, `users.${postmaster}`);
  await makeFolder(folder, account);
  return folder;
}
