// Takes deliveries: answers 200 and counts. It checks nothing, so that it is never what limits a run.

import { createServer } from "node:http";
import { answer } from "./child.ts";
import { elapsedMs, nowNs } from "./clock.ts";

const body = Buffer.from('{"ok":true}');
const head = { "content-type": "application/json", "content-length": String(body.length) };

let count = 0;
let firstNs = 0n;
let lastNs = 0n;
let delays: number[] | undefined;
let reached: { target: number; done: () => void } | undefined;

const server = createServer((request, response) => {
  const arrived = nowNs();
  if (delays) readSentAt(request, arrived, delays);
  else request.resume();
  if (count++ === 0) firstNs = arrived;
  lastNs = arrived;
  response.writeHead(200, head).end(body);
  if (reached && count >= reached.target) reached.done();
});
server.keepAliveTimeout = 60_000;

/** How long a delivery took to get here, from the time in its payload. */
function readSentAt(request: AsyncIterable<Buffer>, arrived: bigint, into: number[]): void {
  void (async () => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const { sentNs } = JSON.parse(Buffer.concat(chunks).toString()) as { sentNs: string };
    into.push(elapsedMs(BigInt(sentNs), arrived));
  })();
}

const methods = {
  async listen(): Promise<string> {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(server.address() as { port: number }).port}/jobs`;
  },
  async reset({ measureDelay = false }: { measureDelay?: boolean }): Promise<void> {
    count = 0;
    firstNs = 0n;
    delays = measureDelay ? [] : undefined;
  },
  /** Waits for so many deliveries; how many there were, and per second from the first to the last. */
  async waitFor({ target, timeoutMs }: { target: number; timeoutMs: number }) {
    if (count < target) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, timeoutMs);
        const done = () => {
          clearTimeout(timer);
          resolve();
        };
        reached = { target, done };
      });
      reached = undefined;
    }
    return { count, perSecond: ((count - 1) * 1000) / elapsedMs(firstNs, lastNs) };
  },
  async count(): Promise<number> {
    return count;
  },
  async delays(): Promise<number[]> {
    return delays ?? [];
  },
};
export type Receiver = typeof methods;
answer(methods);
