// Where apps send the finished steps of their workflows. The busiest route by far, so it goes past everything that
// other requests need: the lease in the body is its credential, nothing about it is logged, and it reads and writes
// the socket itself, because a Request and a Response would cost more than the rest of it.

import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { RotorError } from "@rotorsh/contract";
import type { Engine } from "@rotorsh/engine";
import type { Hono } from "hono";
import { type NodeHttp, readBytes, sendJson } from "./node-http.ts";
import { readRequestId } from "./provenance.ts";
import { respondError } from "./respond.ts";

/** A step of 4 MB and the little that belongs to it, or many small ones. */
const limitBytes = 8 * 1024 * 1024;

const unpack = promisify(gunzip);

export const checkpointPath = "/v1/checkpoints";

/** To be called before anything else is mounted. */
export function mountCheckpoints<Env extends object>(app: Hono<Env>, engine: Engine): void {
  app.post(checkpointPath, async (c) => {
    const node = c.env as NodeHttp;
    try {
      const answers = await engine.checkpoints(await readJson(node));
      node.outgoing.setHeader("cache-control", "no-store");
      return sendJson(node, 200, answers);
    } catch (error) {
      return respondError(c, error, readRequestId(c));
    }
  });
}

async function readJson(node: NodeHttp): Promise<unknown> {
  const bytes = await readBytes(node, limitBytes, tooLarge);
  try {
    if (node.incoming.headers["content-encoding"] !== "gzip") return JSON.parse(bytes.toString()) as unknown;
    return JSON.parse((await unpack(bytes, { maxOutputLength: limitBytes })).toString()) as unknown;
  } catch (cause) {
    if ((cause as { code?: string }).code === "ERR_BUFFER_TOO_LARGE") throw tooLarge();
    throw new RotorError("INVALID_JSON", {}, { cause });
  }
}

const tooLarge = () => new RotorError("PAYLOAD_TOO_LARGE", { limit: "8 MB" });
