// The handlers of a run: a process that nobody kills. It writes what it sees into a file that only grows, so that
// it can speak against the engine, and misbehaves as the seed says.

import { openSync, writeSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { behaviourOf } from "./plan.ts";
import { shareOf } from "./random.ts";

const [ledgerPath = "", seed = "0"] = process.argv.slice(2);
const ledger = openSync(ledgerPath, "a");
let visits = 0;

const write = (line: object) => writeSync(ledger, `${JSON.stringify(line)}\n`);
const now = () => performance.timeOrigin + performance.now();

const server = createServer((request, response) => {
  const t = now();
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => void visit(request, response, Buffer.concat(chunks).toString(), t));
});

async function visit(request: IncomingMessage, response: ServerResponse, body: string, t: number) {
  const visit = ++visits;
  const id = String(request.headers["x-rotor-job-id"]);
  const attempt = Number(request.headers["x-rotor-attempt"]);
  const { nonce, key, calm } = JSON.parse(body) as { nonce: string; key?: string; calm?: boolean };
  write({ visit, at: "start", t, id, attempt, queue: request.headers["x-rotor-queue"], key, nonce });
  let status = 0;
  // `finish` comes when the answer was handed over, `close` when the caller has gone, whichever is first.
  let over = false;
  const end = () => {
    if (!over) write({ visit, at: "end", t: now(), status });
    over = true;
  };
  response.on("finish", end);
  response.on("close", end);
  const share = shareOf(`${seed} ${nonce} ${attempt}`);
  const behaviour = calm ? "ok" : behaviourOf(share);
  const answer = (code: number, headers: Record<string, string> = {}) => {
    status = code;
    response.writeHead(code, headers).end("{}");
  };
  const later = shareOf(`${nonce} pause ${attempt}`);
  if (behaviour === "hang") return;
  if (behaviour === "reset") return void setTimeout(() => response.destroy(), later * 50);
  const code = { ok: 200, slow: 200, error: 500, gone: 410, busy: 429 }[behaviour];
  const headers = behaviour === "busy" ? { "retry-after": "1" } : {};
  setTimeout(() => answer(code, headers), behaviour === "slow" ? 200 + later * 600 : later * 30);
}

server.keepAliveTimeout = 120_000;
server.listen(0, "127.0.0.1", () => {
  process.send?.((server.address() as { port: number }).port);
});
process.on("disconnect", () => process.exit(0));
