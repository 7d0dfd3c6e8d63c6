// The others that are measured, each in a process of its own and with the same receiver.

import { startChild } from "../harness/child.ts";
import type { Load } from "../harness/load.ts";
import type { BullMq, Connection } from "../peers/bullmq.ts";
import type { Graphile } from "../peers/graphile.ts";
import { drainRate, type Rate, type Receiving, rateOf } from "./rate.ts";

export type BullMqPeer = ReturnType<typeof startBullMq>;
export type GraphilePeer = ReturnType<typeof startGraphile>;

export function startBullMq(connection: Connection, receiving: Receiving) {
  const child = startChild<BullMq>(new URL("../peers/bullmq.ts", import.meta.url));
  let queues = 0;
  const next = (what: string) => ({ connection, queue: `${what}-${++queues}` });
  return {
    singles: (load: Load) => rateOf(() => child.call("singles", { where: next("singles"), load })),
    batches: (load: Load) => rateOf(() => child.call("batches", { where: next("batches"), load })),
    delays: (count: number, gapMs: number) => child.call("delays", { where: next("delays"), count, gapMs }),
    async drain(count: number): Promise<Rate> {
      const where = next("drain");
      await child.call("fill", { where, count });
      return drainRate(receiving, count, () => child.call("drain", { where, url: receiving.url, count }));
    },
    stop: () => child.stop(),
  };
}

export function startGraphile(url: string, batched: boolean, receiving: Receiving) {
  const child = startChild<Graphile>(new URL("../peers/graphile.ts", import.meta.url));
  const where = { url, batched };
  return {
    async drain(count: number): Promise<Rate> {
      await child.call("fill", { where, count });
      return drainRate(receiving, count, () => child.call("drain", { where, url: receiving.url, count }));
    },
    stop: () => child.stop(),
  };
}
