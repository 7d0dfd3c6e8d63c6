// BullMQ on the database that holds everything else, in a schema of its own.

import { createPostgresBackend, Queue, runMigrations, Worker } from "bullmq";
import pg from "pg";
import type { Backend } from "./bullmq.ts";
import { keepEarlyErrors } from "./early-errors.ts";

keepEarlyErrors(pg.Client.prototype);

const schema = "rotor_broker";

/** Connections for statements; a process with workers has one more, on which it listens. */
const poolSize = 2;

/** Brings BullMQ's own tables to its newest version. Servers that start at the same time wait for each other. */
export async function migrateBroker(databaseUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl, application_name: "rotor" });
  await client.connect();
  try {
    await runMigrations(client, schema);
  } finally {
    await client.end();
  }
}

export async function openPostgresBackend(databaseUrl: string, listens: boolean): Promise<Backend> {
  await migrateBroker(databaseUrl);
  const connection = {
    connectionString: databaseUrl,
    schema,
    max: poolSize,
    application_name: "rotor-broker",
    connectionTimeoutMillis: 2000,
    statement_timeout: 10_000,
    keepAlive: true,
  };
  // One for the process: all queues share its connections.
  const shared = createPostgresBackend("wake", { connection }, { withBlockingConnection: listens });
  // Now, because BullMQ remembers a first connection that failed for ever.
  await shared.waitUntilReady();
  const { pool } = shared.connection;
  return {
    openQueue: (name, options) => new Queue(name, { ...options, connection }, () => shared.forQueue(name)),
    openWorker: (name, processor, options) =>
      new Worker(name, processor, { ...options, connection }, () => shared),
    async health(reachability) {
      const broker = await pool.query("select 1").then(
        () => "ok" as const,
        () => "down" as const,
      );
      if (broker === "ok") reachability.up();
      return { broker, redis: "none" };
    },
    watch: (reachability) => shared.on("error", (error) => reachability.down(error)),
    close: () => shared.close(),
  };
}
