// Node's own request and answer, where there is a socket. A Request and a Response would cost more than most of what
// is asked for. Without a socket the app is being called in process.

import type { IncomingMessage, ServerResponse } from "node:http";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { RotorError } from "@rotorsh/contract";
import type { Context } from "hono";

export type NodeHttp = { incoming: IncomingMessage; outgoing: ServerResponse };

export function nodeHttpOf(c: Context): NodeHttp | undefined {
  return c.env?.outgoing ? (c.env as NodeHttp) : undefined;
}

/** What is beyond the limit is neither kept nor waited for. */
export function readBytes(
  { incoming, outgoing }: NodeHttp,
  limitBytes: number,
  tooLarge: () => Error,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const refuse = () => {
      outgoing.shouldKeepAlive = false;
      reject(tooLarge());
    };
    const gone = (cause?: Error) => reject(new RotorError("INVALID_JSON", {}, { cause }));
    if (incoming.destroyed) return gone();
    if (Number(incoming.headers["content-length"] ?? 0) > limitBytes) return refuse();
    incoming.on("data", (chunk: Buffer) => {
      length += chunk.length;
      if (length > limitBytes) refuse();
      else chunks.push(chunk);
    });
    incoming.on("end", () => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)));
    incoming.on("error", gone);
    incoming.on("close", () => {
      if (!incoming.complete) gone();
    });
  });
}

/** Beside the headers that were set before. */
export function sendJson({ outgoing }: NodeHttp, status: number, body: unknown): Response {
  const text = JSON.stringify(body);
  const length = Buffer.byteLength(text);
  outgoing.writeHead(status, { "content-type": "application/json", "content-length": length }).end(text);
  return RESPONSE_ALREADY_SENT;
}

/** Aborted when the caller has gone before the answer. */
export function closedSignal({ outgoing }: NodeHttp): AbortSignal {
  const gone = new AbortController();
  if (outgoing.closed) gone.abort();
  else
    outgoing.once("close", () => {
      if (!outgoing.writableFinished) gone.abort();
    });
  return gone.signal;
}
