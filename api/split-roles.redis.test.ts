// An api without workers and a worker without an API, as processes of their own, with only the broker between them.

import { mintKey } from "@rotorsh/engine";
import { createTestDatabase, type TestDatabase } from "@rotorsh/engine/testing";
import { Rotor } from "@rotorsh/sdk";
import { afterAll, beforeAll, describe, expect, inject, test, vi } from "vitest";
import { type Deliveries, receiveDeliveries } from "../engine/testing/deliveries.ts";
import { createRedisServer } from "../engine/testing/redis-server.ts";
import { type ServerProcess, startServerProcess } from "./testing/server-process.ts";

const brokers = { Postgres: () => ({}), Redis: () => ({ REDIS_URL: inject("redis") }) };
const apiKey = mintKey("workspace").token;
const common = {
  ROTOR_ENCRYPTION_KEY: `k1:${Buffer.alloc(32, 1).toString("base64")}`,
  ROTOR_API_KEY: apiKey,
};

describe.each(Object.entries(brokers))("with the broker on %s", (kind, broker) => {
  let database: TestDatabase;
  let handler: Deliveries;
  let api: ServerProcess;
  let worker: ServerProcess;
  let rotor: Rotor;

  beforeAll(async () => {
    [database, handler] = await Promise.all([createTestDatabase(), receiveDeliveries()]);
    const env = { ...common, ...broker(), DATABASE_URL: database.url };
    [api, worker] = await Promise.all([
      startServerProcess({ ...env, ROTOR_ROLE: "api" }),
      startServerProcess({ ...env, ROTOR_ROLE: "worker" }),
    ]);
    rotor = new Rotor({ url: api.url, apiKey });
    await rotor.queues.create("emails", { callback_url: handler.url, concurrency: 50 });
  });
  afterAll(async () => {
    await Promise.all([api?.stop(), worker?.stop(), handler?.close()]);
    await database?.drop();
  });

  test("a job that the api takes in is delivered by the worker, at once when both are idle", async () => {
    const took: number[] = [];
    for (let round = 0; round < 15; round++) {
      const { id } = await rotor.jobs.enqueue("emails");
      const accepted = performance.now();
      await handler.arrival(id);
      took.push(performance.now() - accepted);
    }
    const median = took.toSorted((a, b) => a - b)[7];
    // Without a broker the ledger is looked at every 2 seconds; with one it takes some 20 ms on an idle machine.
    expect(median).toBeLessThan(500);
  });

  test("the api says truly how its broker is", async () => {
    const redis = kind === "Redis" ? "ok" : "none";
    expect(await rotor.status.get()).toMatchObject({ broker: "ok", redis, database: "ok" });
  });

  test("the worker answers for its health and for nothing else", async () => {
    const statuses = ["/healthz", "/readyz", "/metrics", "/v1/status", "/doc", "/mcp"].map(
      async (path) => (await fetch(worker.url + path)).status,
    );
    expect(await Promise.all(statuses)).toEqual([200, 200, 200, 404, 404, 404]);
  });

  test("a burst is delivered whole, each job once", async () => {
    const before = handler.ids.length;
    const jobs = Array.from({ length: 500 }, () => ({}));
    await Promise.all([rotor.jobs.addBatch("emails", jobs), rotor.jobs.addBatch("emails", jobs)]);
    await vi.waitFor(() => expect(handler.ids.length - before).toBe(1000), 20_000);
    expect(new Set(handler.ids).size).toBe(handler.ids.length);
  });

  test("a server that drains answers at once those who wait for jobs", async () => {
    await rotor.queues.create("fetched");
    const waiting = rotor.jobs.claim("fetched", { wait_seconds: 20 });
    // A request of later on: when it is answered, the claim has arrived.
    await rotor.jobs.claim("fetched");
    const begun = performance.now();
    await api.stop();
    expect((await waiting).jobs).toEqual([]);
    expect(performance.now() - begun).toBeLessThan(10_000);
  });
});

test("a server on a Redis that may evict keys says so in one line, and does not start", async () => {
  const [database, redis] = await Promise.all([
    createTestDatabase(),
    createRedisServer("--maxmemory-policy", "allkeys-lru"),
  ]);
  await redis.start();
  const start = startServerProcess({ ...common, DATABASE_URL: database.url, REDIS_URL: redis.url });
  await expect(start).rejects.toThrow(/^REDIS_URL: [^\n]*noeviction$/);
  await redis.remove();
  await database.drop();
});
