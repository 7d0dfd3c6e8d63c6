// Where apps send the finished steps of their workflows. The busiest route by far, so it goes past everything that
// other requests need: the lease in the body is its credential, and nothing about it is logged.

import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { isRotorError, RotorError } from "@rotorsh/contract";
import type { Engine } from "@rotorsh/engine";
import type { Context, Hono } from "hono";
import { readRequestId } from "./provenance.ts";
import { respondError } from "./respond.ts";

/** A step of 4 MB and the little that belongs to it, or many small ones. */
const limitBytes = 8 * 1024 * 1024;

const unpack = promisify(gunzip);

export const checkpointPath = "/v1/checkpoints";

/** To be called before anything else is mounted. */
export function mountCheckpoints<Env extends object>(app: Hono<Env>, engine: Engine): void {
  app.post(checkpointPath, async (c) => {
    try {
      return c.json(await engine.checkpoints(await readBody(c)));
    } catch (error) {
      const known = isRotorError(error) ? error : new RotorError("INTERNAL", {}, { cause: error });
      return respondError(c, known, readRequestId(c));
    }
  });
}

async function readBody(c: Context): Promise<unknown> {
  const tooLarge = () => new RotorError("PAYLOAD_TOO_LARGE", { limit: "8 MB" });
  if (Number(c.req.header("content-length") ?? 0) > limitBytes) throw tooLarge();
  const bytes = Buffer.from(await c.req.arrayBuffer());
  if (bytes.byteLength > limitBytes) throw tooLarge();
  try {
    if (c.req.header("content-encoding") !== "gzip") return JSON.parse(bytes.toString()) as unknown;
    return JSON.parse((await unpack(bytes, { maxOutputLength: limitBytes })).toString()) as unknown;
  } catch (cause) {
    if ((cause as { code?: string }).code === "ERR_BUFFER_TOO_LARGE") throw tooLarge();
    throw new RotorError("INVALID_JSON", {}, { cause });
  }
}
