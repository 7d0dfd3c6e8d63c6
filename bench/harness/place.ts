// Where a run happens: a folder of its own, with a durable Postgres that everybody in the run shares.

import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEmbeddedPostgres } from "@rotorsh/engine/embedded";
import { Client } from "pg";

export type Place = {
  folder: string;
  createDatabase(name: string): Promise<string>;
  /** Does now, in every database, what Postgres would do at some time during the next measurement. */
  settle(): Promise<void>;
  close(): Promise<void>;
};

export async function openPlace(): Promise<Place> {
  const folder = await makeFolder();
  const postgres = await startEmbeddedPostgres({ dataDir: folder });
  const databases: string[] = [];
  return {
    folder,
    async createDatabase(name) {
      await execute(postgres.url, `create database bench_${name}`);
      const url = new URL(postgres.url);
      url.pathname = `/bench_${name}`;
      databases.push(url.href);
      return url.href;
    },
    async settle() {
      for (const url of databases) await execute(url, "vacuum (analyze)");
      await execute(postgres.url, "checkpoint");
    },
    async close() {
      await postgres.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "rotor-bench-"));
  // Run by root, Postgres has another account, which must be able to enter.
  await chmod(folder, 0o711);
  return folder;
}

async function execute(url: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query(statement);
  await client.end();
}
