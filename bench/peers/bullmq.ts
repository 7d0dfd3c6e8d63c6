// BullMQ as its documentation shows it, on Postgres or on Redis, in a process of its own.

import { setTimeout as sleep } from "node:timers/promises";
import { createPostgresBackend, Queue, Worker, withBackend } from "bullmq";
import { answer } from "../harness/child.ts";
import { elapsedMs, nowNs } from "../harness/clock.ts";
import { type Load, type Loaded, repeat } from "../harness/load.ts";
import { payload } from "../harness/payload.ts";
import { openPost } from "./post.ts";

/** One of the two. */
export type Connection = { postgresUrl?: string; redisUrl?: string };
export type Where = { connection: Connection; queue: string };

const batchSize = 500;
const poolSize = 10;
const postgres = withBackend(createPostgresBackend);

const open = {
  queue({ connection: { postgresUrl, redisUrl }, queue }: Where): Queue {
    if (redisUrl) return new Queue(queue, { connection: { url: redisUrl } });
    return new postgres.Queue(queue, { connection: poolOf(postgresUrl) }) as unknown as Queue;
  },
  worker(where: Where, concurrency: number, work: (data: unknown) => Promise<void>): Worker {
    const { postgresUrl, redisUrl } = where.connection;
    const process = ({ data }: { data: unknown }) => work(data);
    if (redisUrl) return new Worker(where.queue, process, { connection: { url: redisUrl }, concurrency });
    const options = { connection: poolOf(postgresUrl), concurrency };
    return new postgres.Worker(where.queue, process, options) as unknown as Worker;
  },
};

function poolOf(connectionString = "") {
  return { connectionString, max: poolSize, migrate: true };
}

const methods = {
  async singles({ where, load }: { where: Where; load: Load }): Promise<Loaded> {
    const queue = open.queue(where);
    await queue.waitUntilReady();
    const data = payload();
    const rate = await repeat(load, async () => void (await queue.add("job", data)));
    await queue.close();
    return rate;
  },
  async batches({ where, load }: { where: Where; load: Load }): Promise<Loaded> {
    const queue = open.queue(where);
    await queue.waitUntilReady();
    const jobs = Array.from({ length: batchSize }, () => ({ name: "job", data: payload() }));
    const rate = await repeat(load, async () => void (await queue.addBulk(jobs)));
    await queue.close();
    return { perSecond: rate.perSecond * batchSize, done: rate.done * batchSize };
  },
  async fill({ where, count }: { where: Where; count: number }): Promise<void> {
    const queue = open.queue(where);
    for (let left = count; left > 0; left -= batchSize) {
      const size = Math.min(batchSize, left);
      await queue.addBulk(Array.from({ length: size }, () => ({ name: "job", data: payload() })));
    }
    await queue.close();
  },
  /** Works until nothing is left: each job is a POST to the receiver. */
  async drain({ where, url, count }: { where: Where; url: string; count: number }): Promise<void> {
    const client = openPost(url, 32);
    let left = count;
    await new Promise<void>((resolve, reject) => {
      const worker = open.worker(where, 32, (data) => client.post(JSON.stringify(data)));
      worker.on("completed", () => {
        if (--left === 0) worker.close().then(resolve, reject);
      });
      worker.on("error", reject);
    });
    await client.close();
  },
  /** From `add` to the start of the handler, in ms, one job at a time. */
  async delays({ where, count, gapMs }: { where: Where; count: number; gapMs: number }): Promise<number[]> {
    const queue = open.queue(where);
    const delays: number[] = [];
    const worker = open.worker(where, 32, async (data) => {
      delays.push(elapsedMs(BigInt((data as { sentNs: string }).sentNs)));
    });
    await Promise.all([queue.waitUntilReady(), worker.waitUntilReady()]);
    await sleep(500);
    for (let sent = 0; sent < count; sent++) {
      await queue.add("job", payload({ sentNs: String(nowNs()) }));
      await sleep(gapMs);
    }
    await worker.close();
    await queue.close();
    return delays;
  },
};
export type BullMq = typeof methods;
answer(methods);
