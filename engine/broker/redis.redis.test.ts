import { randomBytes } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, inject, test, vi } from "vitest";
import { silentLog } from "../log.ts";
import { brokerRules } from "../testing/broker-rules.ts";
import { createRedisServer, type RedisServer } from "../testing/redis-server.ts";
import type { Broker } from "./broker.ts";
import { openBroker } from "./broker.ts";

const installation = randomBytes(4).toString("hex");
const open = (listens: boolean, redisUrl = inject("redis"), log = silentLog) =>
  openBroker({ databaseUrl: "", redisUrl, listens, installation, log });

describe("on Redis", () => brokerRules(open));

describe("on a Cluster", () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await createRedisServer("--cluster-enabled", "yes", "--cluster-announce-ip", "127.0.0.1");
    await redis.start();
    await redis.command("CLUSTER", "ADDSLOTSRANGE", "0", "16383");
    await vi.waitFor(
      async () => expect(await redis.command("CLUSTER", "INFO")).toContain("cluster_state:ok"),
      10_000,
    );
  });
  afterAll(() => redis.remove());
  brokerRules((listens) => open(listens, redis.url));
});

describe("of its own", () => {
  let redis: RedisServer;
  const opened: Broker[] = [];
  const logged: string[] = [];
  const log = { ...silentLog, info: note, warn: note, error: note };
  function note(_: object, message: string) {
    logged.push(message);
  }
  const one = async (listens: boolean) => {
    const broker = await open(listens, redis.url, log);
    opened.push(broker);
    return broker;
  };

  beforeAll(async () => {
    redis = await createRedisServer();
    await redis.start();
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((broker) => broker.close()));
    logged.length = 0;
  });
  afterAll(() => redis.remove());

  test("a Redis that may evict keys is refused in one line that names the setting", async () => {
    await redis.command("CONFIG", "SET", "maxmemory-policy", "allkeys-lru");
    const refusal = await open(false, redis.url).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ name: "StartRefused" });
    expect((refusal as Error).message).toMatch(/^REDIS_URL: .*allkeys-lru.*noeviction$/);
    await redis.command("CONFIG", "SET", "maxmemory-policy", "noeviction");
  });

  test("nothing of it is left behind when everything was heard", async () => {
    const [api, worker] = [await one(false), await one(true)];
    const heard = new Set<number>();
    worker.onWake((uids) => uids.forEach((uid) => void heard.add(uid)));
    api.wake([1, 2, 3]);
    await vi.waitFor(() => expect(heard.size).toBe(3));
    await vi.waitFor(async () => {
      const keys = (await redis.command("KEYS", "*")) as string[];
      expect(keys.filter((key) => /:q\d|:wait|:active|:completed|:failed/.test(key))).toEqual([]);
      expect(keys.every((key) => key.startsWith(`{rotor-${installation}}:wake:`))).toBe(true);
    });
  });

  test("emptying it loses nothing but what was on its way", async () => {
    const [api, worker] = [await one(false), await one(true)];
    const heard: number[] = [];
    worker.onWake((uids) => heard.push(...uids));
    api.wake([1]);
    await vi.waitFor(() => expect(heard).toContain(1));
    await redis.command("FLUSHALL");
    api.wake([2]);
    await vi.waitFor(() => expect(heard).toContain(2));
  });

  test("while it is away wake-ups are forgotten, and it is said once; afterwards all is as before", async () => {
    const [api, worker] = [await one(false), await one(true)];
    const heard: number[] = [];
    worker.onWake((uids) => heard.push(...uids));
    api.wake([1]);
    await vi.waitFor(() => expect(heard).toContain(1));
    await redis.kill();
    for (let uid = 100; uid < 200; uid++) {
      api.wake([uid]);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await api.health()).toEqual({ broker: "down", redis: "down" });
    await redis.start();
    await vi.waitFor(async () => expect(await api.health()).toEqual({ broker: "ok", redis: "ok" }), 10_000);
    await vi.waitFor(() => {
      api.wake([2]);
      expect(heard).toContain(2);
    }, 10_000);
    expect(logged.filter((line) => line.includes("does not answer")).length).toBeLessThanOrEqual(2);
    expect(logged.filter((line) => line.includes("answers again")).length).toBeLessThanOrEqual(2);
  });

  test("a Redis that is down when a server starts is used when it comes", async () => {
    await redis.kill();
    const [api, worker] = await Promise.all([one(false), one(true)]);
    const heard: number[] = [];
    worker.onWake((uids) => heard.push(...uids));
    api.wake([1]);
    expect(await api.health()).toEqual({ broker: "down", redis: "down" });
    await redis.start();
    await vi.waitFor(() => {
      api.wake([2]);
      expect(heard).toContain(2);
    }, 10_000);
  });
});
