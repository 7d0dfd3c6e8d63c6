// I5: the broker may forget. An api and a worker share a database and a Redis, and lose the Redis under load.

import { contract } from "@rotorsh/contract";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { Engine } from "../engine.ts";
import { type Deliveries, receiveDeliveries } from "../testing/deliveries.ts";
import { call, startTestEngine, type TestEngine } from "../testing/index.ts";
import { createRedisServer, type RedisServer } from "../testing/redis-server.ts";

let redis: RedisServer;
let api: TestEngine;
let worker: Engine;
let handler: Deliveries;

beforeAll(async () => {
  redis = await createRedisServer();
  await redis.start();
  api = await startTestEngine({ redisUrl: redis.url });
  worker = await api.startPeer({ redisUrl: redis.url, workers: true });
  handler = await receiveDeliveries();
  await call(api.engine, api.home.admin, contract.queues.create, {
    name: "emails",
    callback_url: handler.url,
    concurrency: 100,
  });
});
afterAll(async () => {
  await api?.stop();
  await handler?.close();
  await redis?.remove();
});

const enqueue = async () =>
  (await call(api.engine, api.home.admin, contract.jobs.enqueue, { name: "emails" })).id;
const brokerOf = async (engine: Engine) =>
  (await call(engine, api.home.admin, contract.status.get, {})).broker;

/** Enqueues job after job while `disturb` runs, and a few more afterwards; answers the ids. */
async function loadDuring(disturb: () => Promise<void>): Promise<string[]> {
  const ids: string[] = [];
  let isOver = false;
  const load = async () => {
    while (!isOver || ids.length % 50 > 0) ids.push(await enqueue());
  };
  const loading = Promise.all([load(), load()]);
  await disturb();
  isOver = true;
  await loading;
  return ids;
}

const allDelivered = (ids: string[]) =>
  vi.waitFor(
    () => {
      const missing = ids.filter((id) => !handler.ids.includes(id));
      expect(missing).toEqual([]);
    },
    { timeout: 15_000, interval: 50 },
  );

test("a Redis that is emptied again and again loses no job", async () => {
  const ids = await loadDuring(async () => {
    for (let round = 0; round < 20; round++) {
      await redis.command("FLUSHALL");
      await enqueue();
    }
  });
  await allDelivered(ids);
});

test("a Redis that dies under load: jobs are accepted and delivered, and everything is as before when it is back", async () => {
  const ids = await loadDuring(async () => {
    await redis.kill();
    await vi.waitFor(async () => expect(await brokerOf(api.engine)).toBe("down"));
    const accepted = await enqueue();
    await handler.arrival(accepted);
    await redis.start();
    for (const engine of [api.engine, worker]) {
      await vi.waitFor(async () => expect(await brokerOf(engine)).toBe("ok"), 10_000);
    }
  });
  await allDelivered(ids);
  expect(new Set(handler.ids).size).toBe(handler.ids.length);
});
