// The connection to Redis, where there is one. Redis only ever moves work: it holds nothing that Postgres lacks.

import { Redis } from "ioredis";
import type { Log } from "../log.ts";

export type RedisHealth = "ok" | "down" | "none";

export type RedisLink = { ping(): Promise<RedisHealth>; close(): Promise<void> };

const pingMs = 1000;

export function openRedis(url: string | undefined, log: Log): RedisLink {
  if (!url) return { ping: async () => "none", close: async () => {} };
  const redis = new Redis(url, {
    maxRetriesPerRequest: 1,
    enableOfflineQueue: false,
    commandTimeout: pingMs,
  });
  redis.on("error", (error) => log.debug({ err: error }, "redis connection"));
  return {
    async ping() {
      try {
        await redis.ping();
        return "ok";
      } catch (error) {
        log.debug({ err: error }, "redis does not answer");
        return "down";
      }
    },
    async close() {
      redis.disconnect();
    },
  };
}
