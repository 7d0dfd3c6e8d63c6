// Which queues have work, and who in this process does it.

import { mostBytesInFlight, mostInFlight, type Slots } from "../core/slots.ts";
import type { Services } from "../handler.ts";
import type { Outbound } from "../outbound/http-client.ts";
import { createQueueRunner, type QueueRunner } from "./queue-runner.ts";

export type Dispatcher = {
  /** Says that these queues may have work. Costs nothing when they are being worked on already. */
  wake(queueUids: Iterable<number>): void;
  /** Claims nothing more, and waits for what is under way. */
  stop(): Promise<void>;
};

/** A queue that nobody has woken for so long costs no memory any more. */
const forgetMs = 60_000;

export function createDispatcher(services: Services, outbound: Outbound): Dispatcher {
  const runners = new Map<number, QueueRunner>();
  const slots: Slots = { free: mostInFlight, freeBytes: mostBytesInFlight };
  let stopping = false;
  const sweep = setInterval(() => {
    for (const [uid, runner] of runners) {
      if (!runner.isForgotten(forgetMs)) continue;
      runner.stop();
      runners.delete(uid);
    }
  }, forgetMs).unref();
  return {
    wake(queueUids) {
      if (stopping) return;
      for (const uid of queueUids) {
        const runner = runners.get(uid) ?? createQueueRunner(uid, services, outbound, slots);
        runners.set(uid, runner);
        runner.wake();
      }
    },
    async stop() {
      stopping = true;
      clearInterval(sweep);
      for (const runner of runners.values()) runner.stop();
      await Promise.all([...runners.values()].map((runner) => runner.idle()));
    },
  };
}
