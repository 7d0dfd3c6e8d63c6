// Tells other processes that there is work. Postgres knows what the work is: a message here may be lost or come
// twice without harm, and nobody waits for it to be sent.

import type { Log } from "../log.ts";
import { createBullmqBroker } from "./bullmq.ts";
import { openPostgresBackend } from "./postgres.ts";
import { openRedisBackend } from "./redis.ts";

export type BrokerHealth = { broker: "ok" | "down"; redis: "ok" | "down" | "none" };

/** No queue has this number: a wake-up with it says that there are runs to drive. */
export const runsTicket = 0;

/** Where the workers of one pull queue wait; named so that it fits Redis Cluster and both kinds of broker. */
export type WaitingRoom = { prefix: string; queue: string };

export type Broker = {
  /** Tells one working process, this one or another, that these queues may have work. */
  wake(queueUids: Iterable<number>): void;
  /** From now on this process is one of those that are told. */
  onWake(listener: (queueUids: readonly number[]) => void): void;
  /** Where the workers of a pull queue may wait instead of asking again and again. */
  waitingRoomOf(workspaceId: string, queueName: string): WaitingRoom;
  /** Tells one of those that wait there that the queue has work. */
  announce(room: WaitingRoom): void;
  health(): Promise<BrokerHealth>;
  close(): Promise<void>;
};

export type BrokerOptions = {
  databaseUrl: string;
  /** Without it the broker uses the database. */
  redisUrl: string | undefined;
  /** True in a process that will be told of work. */
  listens: boolean;
  /** Tells the processes of one database from others that share a Redis. */
  installation: string;
  log: Log;
};

/** Refuses to start on a Redis that may drop keys; one that is merely down is used when it comes back. */
export async function openBroker(options: BrokerOptions): Promise<Broker> {
  const { databaseUrl, redisUrl, listens, installation, log } = options;
  const backend = redisUrl
    ? await openRedisBackend(redisUrl, log)
    : await openPostgresBackend(databaseUrl, listens);
  return createBullmqBroker(backend, installation, log);
}
