// Where apps send the finished steps of their workflows. The busiest route by far, so it goes past everything that
// other requests need: the lease in the body is its credential, nothing about it is logged, and it reads and writes
// the socket itself, because a Request and a Response would cost more than the rest of it.

import type { IncomingMessage, ServerResponse } from "node:http";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { isRotorError, RotorError } from "@rotorsh/contract";
import type { Engine } from "@rotorsh/engine";
import type { Hono } from "hono";
import { readRequestId } from "./provenance.ts";
import { respondError } from "./respond.ts";

/** A step of 4 MB and the little that belongs to it, or many small ones. */
const limitBytes = 8 * 1024 * 1024;

const unpack = promisify(gunzip);

export const checkpointPath = "/v1/checkpoints";

/** To be called before anything else is mounted. */
export function mountCheckpoints<Env extends object>(app: Hono<Env>, engine: Engine): void {
  app.post(checkpointPath, async (c) => {
    const { incoming, outgoing } = c.env as { incoming: IncomingMessage; outgoing: ServerResponse };
    try {
      const body = JSON.stringify(await engine.checkpoints(await readJson(incoming)));
      outgoing.writeHead(200, { "content-type": "application/json", "cache-control": "no-store" }).end(body);
      return RESPONSE_ALREADY_SENT;
    } catch (error) {
      const known = isRotorError(error) ? error : new RotorError("INTERNAL", {}, { cause: error });
      // The rest of it is not waited for.
      if (known.code === "PAYLOAD_TOO_LARGE") outgoing.shouldKeepAlive = false;
      return respondError(c, known, readRequestId(c));
    }
  });
}

async function readJson(incoming: IncomingMessage): Promise<unknown> {
  const bytes = await readBytes(incoming);
  try {
    if (incoming.headers["content-encoding"] !== "gzip") return JSON.parse(bytes.toString()) as unknown;
    return JSON.parse((await unpack(bytes, { maxOutputLength: limitBytes })).toString()) as unknown;
  } catch (cause) {
    if ((cause as { code?: string }).code === "ERR_BUFFER_TOO_LARGE") throw tooLarge();
    throw new RotorError("INVALID_JSON", {}, { cause });
  }
}

/** What is beyond the limit is not kept. */
function readBytes(incoming: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    incoming.on("data", (chunk: Buffer) => {
      length += chunk.length;
      if (length > limitBytes) reject(tooLarge());
      else chunks.push(chunk);
    });
    incoming.on("end", () => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)));
    incoming.on("error", reject);
  });
}

const tooLarge = () => new RotorError("PAYLOAD_TOO_LARGE", { limit: "8 MB" });
