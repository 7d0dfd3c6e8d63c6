// The others that are measured, each in a process of its own and with the same receiver.

import { startChild } from "../harness/child.ts";
import type { Load } from "../harness/load.ts";
import type { BullMq, Connection } from "../peers/bullmq.ts";
import type { Graphile } from "../peers/graphile.ts";
import { drainMs, type Receiving } from "./rotor.ts";

export type BullMqPeer = ReturnType<typeof startBullMq>;

export function startBullMq(connection: Connection, receiving: Receiving) {
  const child = startChild<BullMq>(new URL("../peers/bullmq.ts", import.meta.url));
  let queues = 0;
  const next = (what: string) => ({ connection, queue: `${what}-${++queues}` });
  return {
    singles: (load: Load) => child.call("singles", { where: next("singles"), load }),
    batches: (load: Load) => child.call("batches", { where: next("batches"), load }),
    delays: (count: number, gapMs: number) => child.call("delays", { where: next("delays"), count, gapMs }),
    async drain(count: number): Promise<number> {
      const where = next("drain");
      await child.call("fill", { where, count });
      return timed(receiving, count, () => child.call("drain", { where, url: receiving.url, count }));
    },
    stop: () => child.stop(),
  };
}

export function startGraphile(url: string, batched: boolean, receiving: Receiving) {
  const child = startChild<Graphile>(new URL("../peers/graphile.ts", import.meta.url));
  const where = { url, batched };
  return {
    async drain(count: number): Promise<number> {
      await child.call("fill", { where, count });
      return timed(receiving, count, () => child.call("drain", { where, url: receiving.url, count }));
    },
    stop: () => child.stop(),
  };
}

async function timed({ child }: Receiving, count: number, work: () => Promise<void>): Promise<number> {
  await child.call("reset", {});
  await work();
  const got = await child.call("waitFor", { target: count, timeoutMs: drainMs });
  if (got.count < count) throw new Error(`only ${got.count} of ${count} jobs were delivered`);
  return got.perSecond;
}
