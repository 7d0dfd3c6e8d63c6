import { Redis } from "ioredis";
import { afterAll, expect, inject, test } from "vitest";

const redis = new Redis(inject("redis"), { lazyConnect: true });
afterAll(() => redis.quit());

test("the Redis of the tests never evicts, as queues need", async () => {
  expect(await redis.config("GET", "maxmemory-policy")).toEqual(["maxmemory-policy", "noeviction"]);
});
