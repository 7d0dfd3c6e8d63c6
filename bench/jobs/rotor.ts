// Rotor as one of the things measured: a server, somebody who adds jobs, somebody who takes deliveries.

import { startChild } from "../harness/child.ts";
import type { Load } from "../harness/load.ts";
import type { Producer } from "../harness/producer.ts";
import { type Server, type ServerOptions, startServer } from "../harness/server.ts";
import { drainRate, type Rate, type Receiving, rateOf } from "./rate.ts";

export type Rotor = {
  server: Server;
  singles(load: Load, queue?: string): Promise<Rate>;
  batches(load: Load): Promise<Rate>;
  /** Deliveries of so many waiting jobs, of a queue of its own unless one is named. */
  drain(count: number, queue?: string): Promise<Rate>;
  /** From the request to the start of the handler, in ms. */
  delays(count: number, gapMs: number): Promise<number[]>;
  createQueue(queue: string, paused: boolean): Promise<void>;
  fill(queue: string, count: number): Promise<void>;
  stop(): Promise<void>;
};

const delaysMs = 120_000;
const concurrency = 32;

export async function startRotor(options: ServerOptions, receiving: Receiving): Promise<Rotor> {
  const server = await startServer(options);
  const producer = startChild<Producer>(new URL("../harness/producer.ts", import.meta.url));
  const { child: receiver, url } = receiving;
  const target = (queue: string) => ({ url: server.url, key: server.key, queue });
  let queues = 0;
  const rotor: Rotor = {
    server,
    async createQueue(queue, paused) {
      await server.request("POST", "/v1/queues", { name: queue, callback_url: url, concurrency });
      if (paused) await server.request("POST", `/v1/queues/${queue}/pause`);
    },
    async singles(load, queue = `singles-${++queues}`) {
      if (queue.startsWith("singles-")) await rotor.createQueue(queue, true);
      return rateOf(() => producer.call("singles", { target: target(queue), load }));
    },
    async batches(load) {
      const queue = `batches-${++queues}`;
      await rotor.createQueue(queue, true);
      return rateOf(() => producer.call("batches", { target: target(queue), load }));
    },
    fill: (queue, count) => producer.call("fill", { target: target(queue), count }),
    async drain(count, queue = `drain-${++queues}`) {
      if (queue.startsWith("drain-")) {
        await rotor.createQueue(queue, true);
        await rotor.fill(queue, count);
      }
      const drained = await drainRate(receiving, count, () =>
        server.request("POST", `/v1/queues/${queue}/resume`),
      );
      await server.request("POST", `/v1/queues/${queue}/pause`);
      return drained;
    },
    async delays(count, gapMs) {
      const queue = `delays-${++queues}`;
      await rotor.createQueue(queue, false);
      await receiver.call("reset", { measureDelay: true });
      await producer.call("spaced", { target: target(queue), count, gapMs });
      await receiver.call("waitFor", { target: count, timeoutMs: delaysMs });
      return receiver.call("delays", undefined as never);
    },
    async stop() {
      await Promise.all([producer.stop(), server.stop()]);
    },
  };
  return rotor;
}
