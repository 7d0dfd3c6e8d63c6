// Streams of the contract as server-sent events. A client that lost its connection comes again with Last-Event-ID, and
// gets what it has not seen.

import { RotorError, type Stream, type StreamTree, streams } from "@rotorsh/contract";
import type { OpenStream } from "@rotorsh/engine";
import type { App, AppContext } from "./app.ts";
import { authenticateKey, type Gate } from "./credentials.ts";

const keepAliveMs = 15_000;
const retryMs = 1000;

/** To be mounted before the operations. */
export function mountStreams(app: App, gate: Gate): void {
  for (const verbs of Object.values(streams as unknown as StreamTree)) {
    for (const stream of Object.values(verbs)) {
      const pattern = stream.route.slice("GET ".length).replaceAll(/\{(\w+)\}/g, ":$1");
      app.get(pattern, (c) => serve(c, stream, gate));
      app.all(pattern, (c) => {
        c.header("allow", "GET, HEAD");
        throw new RotorError("METHOD_NOT_ALLOWED");
      });
    }
  }
}

async function serve(c: AppContext, stream: Stream, gate: Gate): Promise<Response> {
  const caller = await authenticateKey(c, gate);
  if (c.req.method === "HEAD") return c.body(null, 200, headers);
  const { cursor = c.req.header("last-event-id"), ...query } = c.req.query();
  const ending = new AbortController();
  const signal = AbortSignal.any([c.req.raw.signal, ending.signal]);
  const input = { ...query, ...c.req.param() };
  const messages = await gate.engine.openStream(caller, stream, input, { cursor, signal });
  const first = await messages.next();
  // Nothing new, and nothing to come: this is how an EventSource learns not to come again.
  if (first.done) return c.body(null, 204);
  return c.body(toEvents(stream.event, first.value, messages, ending), 200, headers);
}

const headers = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-store, no-transform",
  "x-accel-buffering": "no",
};

type Messages = Awaited<ReturnType<OpenStream>>;
type Message = { cursor: string; data: Record<string, unknown> };

/** Asks for the next message when the last one was taken, so that a slow client costs no memory. */
function toEvents(event: string, first: Message, messages: Messages, ending: AbortController) {
  const encoder = new TextEncoder();
  const line = ({ cursor, data }: Message) =>
    encoder.encode(`id: ${cursor}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  let timer: NodeJS.Timeout | undefined;
  let next: Promise<IteratorResult<Message, void>> | undefined;
  const stop = () => {
    clearInterval(timer);
    ending.abort();
    void messages.return().catch(() => {});
  };
  return new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(encoder.encode(`retry: ${retryMs}\n\n`));
      controller.enqueue(line(first));
      timer = setInterval(() => {
        if ((controller.desiredSize ?? 0) > 0) controller.enqueue(encoder.encode(": keep-alive\n\n"));
      }, keepAliveMs);
    },
    async pull(controller) {
      try {
        next ??= messages.next();
        const { done, value } = await next;
        next = undefined;
        if (!done) return controller.enqueue(line(value));
      } catch {
        // Cut off, so that the client comes again and is told what is wrong.
      }
      stop();
      try {
        controller.close();
      } catch {
        // The client went first.
      }
    },
    cancel: stop,
  });
}
