// Where a run happens: a folder of its own, with a durable Postgres that everybody in the run shares.

import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEmbeddedPostgres } from "@rotorsh/engine/embedded";
import { Client } from "pg";

export type Place = {
  folder: string;
  createDatabase(name: string): Promise<string>;
  close(): Promise<void>;
};

export async function openPlace(): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), "rotor-bench-"));
  // Run by root, Postgres has another account, which must be able to enter.
  await chmod(folder, 0o711);
  const postgres = await startEmbeddedPostgres({ dataDir: folder });
  return {
    folder,
    async createDatabase(name) {
      const client = new Client({ connectionString: postgres.url });
      await client.connect();
      await client.query(`create database bench_${name}`);
      await client.end();
      const url = new URL(postgres.url);
      url.pathname = `/bench_${name}`;
      return url.href;
    },
    async close() {
      await postgres.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
