// A real Rotor server with a database of its own, and a workspace for each case.

import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Rotor } from "@rotorsh/sdk";
import { programPath } from "./config.ts";

export type Server = {
  url: string;
  /** A new workspace, and a key of its administrator. */
  createWorkspace(): Promise<string>;
  stop(): Promise<void>;
};

const source = join(import.meta.dirname, "../api/server.ts");

export async function startServer(): Promise<Server> {
  const folder = await mkdtemp(join(tmpdir(), "rotor-evals-"));
  const adminToken = randomBytes(16).toString("hex");
  const child = spawn(process.execPath, ["--conditions=@rotorsh/source", "--import", "tsx", source], {
    env: {
      ...programPath,
      PORT: "0",
      ROTOR_DEV: "1",
      ROTOR_DATA_DIR: folder,
      ADMIN_TOKEN: adminToken,
      LOG_LEVEL: "info",
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const url = await addressOf(child);
  const operator = new Rotor({ url, adminToken });
  let count = 0;
  return {
    url,
    async createWorkspace() {
      count++;
      const made = await operator.admin.createWorkspace({
        name: `case-${count}`,
        plan: "unlimited",
        owner_email: "owner@example.com",
      });
      return made.key;
    },
    async stop() {
      child.kill("SIGTERM");
      if (child.exitCode === null) await once(child, "exit");
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function addressOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    child.once("exit", (code) => reject(new Error(`the server ended with code ${code}`)));
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on("line", (line) => {
      const entry = parse(line);
      if (entry.msg === "ready") resolve(entry.url as string);
    });
  });
}

function parse(line: string): { msg?: string; url?: string } {
  try {
    return JSON.parse(line);
  } catch {
    return {};
  }
}
