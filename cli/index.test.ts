// The program as a process: what signals and closed pipes do to it. The server is a stand-in that answers anything.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";

const answer = JSON.stringify({
  data: Array.from({ length: 20_000 }, (_, id) => ({ id })),
  nextCursor: null,
});
let server: Server;

beforeAll(async () => {
  server = createServer((_request, response) => response.end(answer)).listen(0, "127.0.0.1");
  await once(server, "listening");
});

afterAll(() => server.close());

function start(...argv: string[]): ChildProcess {
  const program = fileURLToPath(new URL("index.ts", import.meta.url));
  const { port } = server.address() as AddressInfo;
  const env = { ...process.env, ROTOR_API_URL: `http://127.0.0.1:${port}`, ROTOR_API_KEY: "rt_ws_x" };
  return spawn(process.execPath, ["--conditions=@rotorsh/source", "--import", "tsx", program, ...argv], {
    env,
  });
}

test("a reader that has seen enough ends it without complaint", { timeout: 20_000 }, async () => {
  const program = start("api", "/v1/queues");
  let complaint = "";
  program.stderr?.on("data", (chunk) => {
    complaint += chunk;
  });
  program.stdout?.once("data", () => program.stdout?.destroy());
  const [exitCode] = await once(program, "close");
  expect([exitCode, complaint]).toEqual([0, ""]);
});

test("Ctrl-C ends a watch with 130", { timeout: 20_000 }, async () => {
  const program = start("status", "--watch", "--json");
  await once(program.stdout as NodeJS.EventEmitter, "data");
  program.kill("SIGINT");
  expect((await once(program, "close"))[0]).toBe(130);
});
