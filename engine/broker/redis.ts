// BullMQ on Redis or Valkey, alone or as a Cluster. It only ever moves work: it holds nothing that Postgres lacks.

import { Queue, Worker } from "bullmq";
import { Cluster, Redis } from "ioredis";
import type { Log } from "../log.ts";
import { StartRefused } from "../start-refused.ts";
import type { Backend } from "./bullmq.ts";
import type { Reachability } from "./reachability.ts";

type Client = Redis | Cluster;
type Options = {
  maxRetriesPerRequest: number | null;
  enableOfflineQueue: boolean;
  commandTimeout?: number;
};

const answerMs = 1000;
/** How long a start waits for Redis before it goes on without. */
const startMs = 2000;
const retryStrategy = (times: number) => Math.min(50 * 2 ** times, 1000);

/** A wake-up is worth nothing a second later: it fails at once instead of queueing up in memory. */
const producing: Options = { maxRetriesPerRequest: 0, enableOfflineQueue: false, commandTimeout: answerMs };
/** BullMQ's own rule for connections that block. */
const consuming: Options = { maxRetriesPerRequest: null, enableOfflineQueue: true };

export async function openRedisBackend(url: string, log: Log): Promise<Backend> {
  const { info, isCluster } = await look(url, log);
  if (info) refuseEviction(info);
  const connect = (options: Options) => (isCluster ? connectCluster(url, options) : connectOne(url, options));
  const producer = connect(producing);
  producer.on("error", (error) => log.debug({ err: error }, "redis connection"));
  let consumer: Client | undefined;
  return {
    openQueue: (name, options) => new Queue(name, { ...options, connection: producer }),
    openWorker(name, processor, options) {
      consumer = connect(consuming);
      return new Worker(name, processor, { ...options, connection: consumer });
    },
    async health(reachability) {
      const redis = await ping(producer, log);
      if (redis === "ok") reachability.up();
      return { broker: redis, redis };
    },
    watch: (reachability) => watch(producer, reachability, log),
    async close() {
      producer.disconnect();
      consumer?.disconnect();
    },
  };
}

function connectOne(url: string, options: Options): Redis {
  return new Redis(url, { ...options, retryStrategy });
}

function connectCluster(url: string, { enableOfflineQueue, ...redisOptions }: Options): Cluster {
  return new Cluster([url], { redisOptions, enableOfflineQueue, clusterRetryStrategy: retryStrategy });
}

async function ping(client: Client, log: Log): Promise<"ok" | "down"> {
  try {
    await client.ping();
    return "ok";
  } catch (error) {
    log.debug({ err: error }, "redis does not answer");
    return "down";
  }
}

function watch(client: Client, reachability: Reachability, log: Log): void {
  client.on("close", () => reachability.down(new Error("The connection to Redis was lost")));
  client.on("ready", () => {
    reachability.up();
    // It may be another server than before, or have been told otherwise.
    // The same call on both kinds of client; the types of a Cluster's are narrower.
    (client as Redis).info("memory").then(
      (info) => {
        const problem = evictionProblem(info);
        if (problem) log.error({}, problem);
      },
      (error: unknown) => log.debug({ err: error }, "redis does not tell its policy"),
    );
  });
}

/** One look at what is there before anything is opened for good. */
async function look(url: string, log: Log): Promise<{ info: string | undefined; isCluster: boolean }> {
  const client = new Redis(url, {
    lazyConnect: true,
    connectTimeout: startMs,
    commandTimeout: startMs,
    retryStrategy: () => null,
  });
  client.on("error", (error) => log.debug({ err: error }, "redis connection"));
  try {
    await client.connect();
    const info = await client.info();
    return { info, isCluster: /^cluster_enabled:1/m.test(info) };
  } catch (error) {
    log.debug({ err: error }, "redis does not answer; starting without it");
    return { info: undefined, isCluster: false };
  } finally {
    client.disconnect();
  }
}

function refuseEviction(info: string): void {
  const problem = evictionProblem(info);
  if (problem) throw new StartRefused(problem);
}

function evictionProblem(info: string): string | undefined {
  const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1];
  if (policy === undefined || policy === "noeviction") return undefined;
  return `REDIS_URL: this Redis may evict keys (maxmemory-policy is ${policy}), and Rotor's would be among them. Example: redis-cli CONFIG SET maxmemory-policy noeviction`;
}
