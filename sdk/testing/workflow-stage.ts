// A real server with a database of its own, and apps in processes of their own.

import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import type { Contract, OutputOf } from "@rotorsh/contract";
import { mintKey } from "@rotorsh/engine";
import { createTestDatabase } from "@rotorsh/engine/testing";
import postgres from "postgres";
import { vi } from "vitest";
import { type ServerProcess, startServerProcess } from "../../api/testing/server-process.ts";
import { Rotor } from "../index.ts";

export type RunDetail = OutputOf<Contract["runs"]["get"]>;

export type AppProcess = {
  serveUrl: string;
  child: ChildProcess;
  /** Lines it has printed so far. */
  said: string[];
  /** Its exit code. */
  exited: Promise<number | null>;
  stop(signal?: NodeJS.Signals): Promise<void>;
};

export type WorkflowStage = {
  server: ServerProcess;
  rotor: Rotor;
  apiKey: string;
  signingKey: string;
  startApp(program: URL, args?: string[], env?: Record<string, string>): Promise<AppProcess>;
  /** The same for an app that lies in a folder of its own and is started as its README says. */
  startProject(folder: string): Promise<AppProcess>;
  moveClock(interval: string): Promise<void>;
  /** The run, as soon as this is true of it. */
  until(runId: string, what: RunDetail["status"] | ((run: RunDetail) => boolean)): Promise<RunDetail>;
  /** Starts a run and answers its id. */
  trigger(id: string, data?: unknown): Promise<string>;
  stop(): Promise<void>;
};

export async function startWorkflowStage(): Promise<WorkflowStage> {
  const database = await createTestDatabase();
  const sql = postgres(database.url, { max: 1, onnotice: () => {} });
  const [apiKey, signingKey] = [mintKey("workspace").token, randomBytes(24).toString("hex")];
  const server = await startServerProcess({
    DATABASE_URL: database.url,
    ROTOR_ENCRYPTION_KEY: `k1:${randomBytes(32).toString("base64")}`,
    ROTOR_API_KEY: apiKey,
    ROTOR_SIGNING_KEY: signingKey,
    LOG_LEVEL: "info",
  });
  const rotor = new Rotor({ url: server.url, apiKey });
  const env = { ROTOR_API_URL: server.url, ROTOR_API_KEY: apiKey, ROTOR_SIGNING_KEY: signingKey };
  const apps: AppProcess[] = [];
  return {
    server,
    rotor,
    apiKey,
    signingKey,
    async startApp(program, args = [], changed = {}) {
      const app = await startApp(program, args, { ...env, ...changed });
      apps.push(app);
      return app;
    },
    async startProject(folder) {
      const child = spawn("npm", ["start"], { cwd: folder, env: outside, stdio: pipes, detached: true });
      // What npm starts is in its group, and would outlive it.
      const app = await watchApp(child, (signal) => process.kill(-(child.pid as number), signal));
      apps.push(app);
      return app;
    },
    async moveClock(interval) {
      await sql`update clock set shift = shift + ${interval}::interval`;
    },
    until: (id, what) =>
      vi.waitFor(
        async () => {
          const run = await rotor.runs.get(id);
          if (typeof what === "string" ? run.status === what : what(run)) return run;
          throw new Error(
            `The run is ${run.status}: ${JSON.stringify({ error: run.error, steps: run.steps })}`,
          );
        },
        { timeout: 15_000, interval: 25 },
      ),
    async trigger(id, data = {}) {
      const { run_id } = await rotor.workflow.trigger(id, data);
      return run_id as string;
    },
    async stop() {
      await Promise.all(apps.map((app) => app.stop()));
      await server.stop();
      await sql.end();
      await database.drop();
    },
  };
}

type Started = ChildProcess & { stdout: Readable; stderr: Readable };

const outside = { PATH: process.env.PATH, HOME: process.env.HOME };
const pipes: ["ignore", "pipe", "pipe"] = ["ignore", "pipe", "pipe"];

function startApp(program: URL, args: string[], env: Record<string, string>): Promise<AppProcess> {
  const source = ["--conditions=@rotorsh/source", "--import", "tsx", fileURLToPath(program), ...args];
  return watchApp(spawn(process.execPath, source, { env: { PATH: process.env.PATH, ...env }, stdio: pipes }));
}

async function watchApp(
  child: Started,
  kill = (signal: NodeJS.Signals) => child.kill(signal),
): Promise<AppProcess> {
  const exited = once(child, "exit").then(([code]) => code as number | null);
  const said: string[] = [];
  child.stderr.on("data", (chunk) => said.push(...String(chunk).trim().split("\n")));
  const serveUrl = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      said.push(line);
      const [, serveUrl] = /^(?:serves|Serving) (.+)/.exec(line) ?? [];
      if (serveUrl) resolve(serveUrl);
    });
    void exited.then(() => reject(new Error(said.join("\n"))));
  });
  return {
    serveUrl,
    child,
    said,
    exited,
    async stop(signal = "SIGKILL") {
      if (child.exitCode === null && child.signalCode === null) kill(signal);
      await exited;
    },
  };
}
