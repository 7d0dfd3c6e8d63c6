// What the checks of all host programs share. Their binaries are large, so each is fetched into a cache once; where that
// fails, its checks say that they were not run.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { programPath } from "./config.ts";
import type { Server } from "./server.ts";

export const root = join(import.meta.dirname, "..");
const cache = join(root, ".cache", "hosts");
const installMs = 600_000;
const longestMs = 120_000;

/** Answers with what is wrong; nothing when it is right. */
export type Check = { name: string; run: () => Promise<string> };

export type Host = {
  package: string;
  /** Its program, in the cache. */
  program: string;
  /** They build on one another; `home` is the only folder that the host may know. */
  checks(server: Server, home: string, run: RunHost): Check[];
};

export type Ran = { code: number | null; output: string };
export type RunHost = (
  args: string[],
  options?: { cwd?: string; env?: Record<string, string> },
) => Promise<Ran>;

/** Runs the host's program with nothing of this machine but a path on which `rotor` is. */
export function runnerOf(host: Host, home: string): RunHost {
  return async (args, { cwd = home, env = {} } = {}) => {
    const bin = join(home, "bin");
    await mkdir(bin, { recursive: true });
    if (!existsSync(join(bin, "rotor"))) await symlink(join(root, "cli/bin/rotor.js"), join(bin, "rotor"));
    const own = { PATH: `${bin}:${programPath.PATH}`, HOME: home, ...env };
    return execute(join(cache, host.program), args, { cwd, env: own, timeoutMs: longestMs });
  };
}

/** Why it cannot be had; undefined when it is there. */
export async function install(host: Host): Promise<string | undefined> {
  if (process.platform !== "linux" || process.arch !== "x64") return "only fetched for linux-x64";
  const program = join(cache, host.program);
  if (existsSync(program)) return undefined;
  await mkdir(cache, { recursive: true });
  const args = ["install", "--prefix", cache, "--force", "--no-audit", "--no-fund", host.package];
  const { code, output } = await execute("npm", args, { timeoutMs: installMs });
  return code === 0 && existsSync(program)
    ? undefined
    : `${host.package} cannot be fetched: ${output.slice(-300) || `npm ended with ${code}`}`;
}

export function complaint({ code, output }: Ran): string {
  return code === 0 ? "" : output || `exit code ${code}`;
}

type ExecuteOptions = { cwd?: string; env?: NodeJS.ProcessEnv; timeoutMs: number };

function execute(program: string, args: string[], { timeoutMs, ...options }: ExecuteOptions): Promise<Ran> {
  return new Promise((resolve) => {
    let output = "";
    const child = spawn(program, args, { ...options, stdio: ["ignore", "pipe", "pipe"], timeout: timeoutMs });
    child.stdout.on("data", (chunk) => {
      output += chunk;
    });
    child.stderr.on("data", (chunk) => {
      output += chunk;
    });
    child.on("error", ({ message }) => resolve({ code: null, output: message }));
    child.on("close", (code) => resolve({ code, output }));
  });
}
