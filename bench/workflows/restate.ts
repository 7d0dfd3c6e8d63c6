// A Restate server from npm, in a folder and on ports of its own, and an app registered with it.

import { spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { arch, platform } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { endWithUs, startChild, stopProcess } from "../harness/child.ts";
import { programPath } from "../harness/config.ts";
import { freePort } from "../harness/server.ts";
import type { RestateApp } from "../peers/restate-app.ts";

export type Restate = { url: string; stop(): Promise<void> };

const startMs = 60_000;

export async function startRestate(folder: string, partitions?: number): Promise<Restate> {
  await mkdir(folder, { recursive: true });
  const [node, ingress, admin, port] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ];
  const require = createRequire(
    createRequire(import.meta.url).resolve("@restatedev/restate-server/package.json"),
  );
  const child = spawn(
    require.resolve(`@restatedev/restate-server-${platform()}-${arch()}/bin/restate-server`),
    ["--no-logo", "--base-dir", folder, "--listen-mode", "tcp"],
    {
      cwd: folder,
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        ...programPath,
        RESTATE_DISABLE_TELEMETRY: "true",
        RESTATE_LOG_FILTER: "warn",
        RESTATE_BIND_ADDRESS: `127.0.0.1:${node}`,
        RESTATE_INGRESS__BIND_ADDRESS: `127.0.0.1:${ingress}`,
        RESTATE_ADMIN__BIND_ADDRESS: `127.0.0.1:${admin}`,
        ...(partitions && { RESTATE_DEFAULT_NUM_PARTITIONS: String(partitions) }),
      },
    },
  );
  endWithUs(child);
  const log = createWriteStream(join(folder, "restate.log"));
  child.stdout.pipe(log);
  child.stderr.pipe(log);
  const app = startChild<RestateApp>(new URL("../peers/restate-app.ts", import.meta.url));
  await app.call("serve", { port });
  const url = `http://127.0.0.1:${ingress}`;
  await register(`http://127.0.0.1:${admin}`, `http://127.0.0.1:${port}`);
  await ready(`${url}/bench/ten`);
  return {
    url,
    async stop() {
      await Promise.all([app.stop(), stopProcess(child)]);
    },
  };
}

async function register(admin: string, uri: string): Promise<void> {
  await until(`the Restate server at ${admin}`, async () => {
    const response = await post(`${admin}/deployments`, { uri });
    return response.ok;
  });
}

async function ready(url: string): Promise<void> {
  await until("Restate's first run", async () => (await post(url, {})).ok);
}

function post(url: string, body: object): Promise<Response> {
  const init = {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  };
  return fetch(url, init);
}

async function until(what: string, isDone: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + startMs; ; await sleep(100)) {
    if (await isDone().catch(() => false)) return;
    if (Date.now() > deadline) throw new Error(`${what} did not become ready`);
  }
}
