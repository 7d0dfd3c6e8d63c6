// The real server in a process of its own, with a role of its own.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export type ServerProcess = {
  url: string;
  child: ChildProcess;
  /** Messages it has logged so far. */
  logged: string[];
  stop(): Promise<void>;
};

/** Resolves when it is ready; rejects with what it said when it does not get so far. */
export async function startServerProcess(env: Record<string, string>): Promise<ServerProcess> {
  const program = fileURLToPath(new URL("../server.ts", import.meta.url));
  const child = spawn(process.execPath, ["--conditions=@rotorsh/source", "--import", "tsx", program], {
    env: { PATH: process.env.PATH, PORT: "0", ROTOR_EGRESS_ALLOW: "127.0.0.1", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const logged: string[] = [];
  let complaint = "";
  child.stderr.on("data", (chunk) => {
    complaint += chunk;
  });
  const exited = once(child, "exit");
  const url = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      const { msg, url: at } = parse(line);
      logged.push(msg);
      if (msg === "ready") resolve(at as string);
    });
    void exited.then(() => reject(new Error(complaint.trim())));
  });
  return {
    url,
    child,
    logged,
    async stop() {
      child.kill("SIGTERM");
      await exited;
    },
  };
}

function parse(line: string): { msg: string; url?: string } {
  try {
    return JSON.parse(line);
  } catch {
    return { msg: line };
  }
}
