// Where the CLI's settings come from: the environment of the process and the saved file.

import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import type { Io } from "./io.ts";
import { UsageError } from "./usage-error.ts";

export function processIo(signal: AbortSignal): Io {
  const { stdin, stdout, stderr, env } = process;
  return {
    stdin,
    stdout,
    stderr,
    env,
    isTTY: { stdin: stdin.isTTY === true, stdout: stdout.isTTY === true, stderr: stderr.isTTY === true },
    columns: stdout.columns,
    signal,
  };
}

export type SavedConfig = { apiKey?: string; url?: string; workspaceId?: string };

export function configPath(env: Io["env"]): string {
  const folder = env.ROTOR_CONFIG_DIR || join(env.HOME || env.USERPROFILE || homedir(), ".rotor");
  return join(folder, "config.json");
}

export function readConfig(env: Io["env"]): SavedConfig {
  const path = configPath(env);
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw new UsageError(`${path} cannot be read: ${(error as Error).message}`);
  }
  try {
    const { apiKey, url, workspaceId } = JSON.parse(text);
    return Object.fromEntries(
      Object.entries({ apiKey, url, workspaceId }).filter(([, value]) => typeof value === "string"),
    );
  } catch {
    throw new UsageError(`${path} is not valid JSON.`, "Run `rotor login` to write it anew.");
  }
}

/** The file holds a key: nobody else may read it, not even while it is being written. */
export function saveConfig(env: Io["env"], config: SavedConfig): string {
  const path = configPath(env);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600 });
  chmodSync(draft, 0o600);
  renameSync(draft, path);
  return path;
}

export function deleteConfig(env: Io["env"]): string {
  const path = configPath(env);
  rmSync(path, { force: true });
  return path;
}
