// Opens everything that takes part: one Postgres, one Redis, one receiver, and each engine in processes of its own.

import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { findRedis, startRedis } from "../../scripts/redis.mjs";
import { openPlace } from "../harness/place.ts";
import { startBullMq, startGraphile } from "./peers.ts";
import { type Receiving, startReceiver } from "./rate.ts";
import { type Rotor, startRotor } from "./rotor.ts";
import type { Measured } from "./rounds.ts";

export type Field = {
  receiving: Receiving;
  measured: Measured;
  /** Vacuums and writes out what was done so far, so that it is not counted with what comes next. */
  settle(): Promise<void>;
  /** One more server, with a database of its own. */
  addRotor(name: string): Promise<Rotor>;
  close(): Promise<void>;
};

export async function openField(wanted: { peers: boolean; redis: boolean }): Promise<Field> {
  const closers: (() => Promise<void>)[] = [];
  const opened = <T>(value: T, close: () => Promise<void>): T => {
    closers.push(close);
    return value;
  };
  const close = async () => {
    for (const closeOne of closers.reverse()) await closeOne();
  };
  try {
    const place = await openPlace();
    opened(place, () => place.close());
    const receiving = await startReceiver();
    opened(receiving, () => receiving.child.stop());
    const redisUrl = wanted.redis ? await openRedis(closers) : undefined;
    const add = async (name: string, redis?: string) => {
      const databaseUrl = await place.createDatabase(name);
      const rotor = await startRotor(
        { folder: join(place.folder, name), databaseUrl, ...(redis && { redisUrl: redis }) },
        receiving,
      );
      return opened(rotor, () => rotor.stop());
    };
    const peer = <P extends { stop(): Promise<void> }>(start: () => P): P | undefined => {
      if (!wanted.peers) return undefined;
      const started = start();
      return opened(started, () => started.stop());
    };
    const bullMqUrl = await place.createDatabase("bullmq");
    const graphileUrl = await place.createDatabase("graphile");
    const batchedUrl = await place.createDatabase("batched");
    const measured: Measured = {
      rotor: await add("rotor"),
      rotorWithRedis: redisUrl ? await add("rotor_redis", redisUrl) : undefined,
      bullMqPostgres: peer(() => startBullMq({ postgresUrl: bullMqUrl }, receiving)),
      bullMqRedis: redisUrl ? peer(() => startBullMq({ redisUrl }, receiving)) : undefined,
      graphile: peer(() => startGraphile(graphileUrl, false, receiving)),
      graphileBatched: peer(() => startGraphile(batchedUrl, true, receiving)),
    };
    return { receiving, measured, settle: place.settle, addRotor: (name) => add(name), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** With the persistence a careful operator would give it. */
async function openRedis(closers: (() => Promise<void>)[]): Promise<string | undefined> {
  const found = await findRedis();
  if ("missing" in found) {
    console.error(`without Redis: ${found.missing}`);
    return undefined;
  }
  const { url, stop } = await startRedis(found);
  closers.push(stop);
  const redis = new Redis(url);
  await redis.config("SET", "appendonly", "yes");
  await redis.config("SET", "appendfsync", "everysec");
  // Until it has written its first file, Redis refuses to end.
  while (/aof_rewrite_(in_progress|scheduled):1/.test(await redis.info("persistence"))) await sleep(20);
  redis.disconnect();
  return url;
}
