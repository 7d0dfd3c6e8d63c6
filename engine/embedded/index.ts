// The default database: real Postgres, kept in the data directory, started and watched by us.
// It ends with its last user however that user ends, and is started again on the same port if it dies.

import { join, resolve } from "node:path";
import { chooseAccount } from "./account.ts";
import { findBinaries } from "./binaries.ts";
import { type Cluster, createCluster, databaseUrl } from "./cluster.ts";
import { openHome, openPassword } from "./home.ts";
import { ensurePostmaster, type Postmaster, waitUntilStopped } from "./postmaster.ts";
import { isAlive } from "./process.ts";
import type { Durability } from "./settings.ts";

const watchMs = 250;

export type EmbeddedPostgresOptions = {
  /** Rotor's data directory; the cluster is `postgres` in it. */
  dataDir: string;
  log?: (message: string) => void;
  /** `throwaway` skips what makes commits survive a power cut. For tests only. */
  durability?: Durability;
};

export type EmbeddedPostgres = {
  /** For the superuser `rotor` and the database `rotor`, on 127.0.0.1. Stays valid when the server is restarted. */
  readonly url: string;
  readonly pid: number;
  /** Whether it was running already, left by or shared with another process. */
  readonly adopted: boolean;
  /** Lets go of the server, and shuts it down unless another process uses it. */
  stop(): Promise<void>;
};

export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const log = options.log ?? (() => {});
  const cluster = await openCluster(options, log);
  const first = await ensurePostmaster(cluster);
  const watched = watch(cluster, first, log);
  return {
    url: databaseUrl(cluster, first.port),
    adopted: first.adopted,
    get pid() {
      return watched.current().pid;
    },
    stop: watched.stop,
  };
}

async function openCluster(
  { dataDir, durability = "durable" }: EmbeddedPostgresOptions,
  log: (message: string) => void,
): Promise<Cluster> {
  const folder = resolve(dataDir);
  const account = await chooseAccount(join(folder, "postgres"));
  const binaries = await findBinaries(account, log);
  const home = await openHome(folder, account, log);
  const password = await openPassword(home, account);
  const cluster = { home, data: join(home, "data"), password, binaries, account, durability, log };
  await createCluster(cluster);
  return cluster;
}

/** Starts the postmaster again when it is gone; its own backends it restarts itself. */
function watch(cluster: Cluster, first: Postmaster, log: (message: string) => void) {
  let current = first;
  let revival: Promise<void> | undefined;
  let stopping: Promise<void> | undefined;

  async function revive(): Promise<void> {
    log(`the embedded Postgres (process ${current.pid}) is gone; starting it again`);
    try {
      const gone = current.holder;
      current = await ensurePostmaster(cluster);
      await gone.release();
      if (current.port !== first.port)
        throw new Error(`it is now on port ${current.port}, not ${first.port}`);
    } catch (error) {
      log(`the embedded Postgres did not come back: ${error instanceof Error ? error.message : error}`);
    } finally {
      revival = undefined;
    }
  }

  const timer = setInterval(() => {
    if (!isAlive(current.pid)) revival ??= revive();
  }, watchMs).unref();

  async function stop(): Promise<void> {
    clearInterval(timer);
    await revival;
    if (await current.holder.release()) await waitUntilStopped(cluster, current.pid);
  }

  return { current: () => current, stop: () => (stopping ??= stop()) };
}
