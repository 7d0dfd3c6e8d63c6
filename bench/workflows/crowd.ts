// A server with an app, and many runs of it that do nothing but sleep or wait.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import postgres from "postgres";
import { type Child, startChild } from "../harness/child.ts";
import type { Place } from "../harness/place.ts";
import { type Server, startServer } from "../harness/server.ts";
import type { WakingApp } from "./waking-app.ts";

export type Crowd = {
  server: Server;
  app: Child<WakingApp>;
  /** Starts runs by events, and waits until all of them have this status. */
  gather(event: string, data: readonly object[], status: "sleeping" | "waiting"): Promise<void>;
  /** The least resident memory of the server within a few seconds. */
  restingMb(): Promise<number>;
  stop(): Promise<void>;
};

const batch = 1000;
const gatherMs = 300_000;

export async function openCrowd({ folder, createDatabase }: Place, name: string): Promise<Crowd> {
  const databaseUrl = await createDatabase(name);
  const own = join(folder, name);
  const server = await startServer({ folder: own, databaseUrl });
  const app = startChild<WakingApp>(new URL("waking-app.ts", import.meta.url));
  const sql = postgres(databaseUrl, { max: 1, fetch_types: false });
  const { signingKey } = JSON.parse(await readFile(join(own, "dev.json"), "utf8")) as { signingKey: string };
  const serve_url = await app.call("serve", { signingKey });
  for (const [id, trigger_event] of [
    ["sleeper", "sleep.go"],
    ["waiter", "wait.go"],
  ]) {
    await server.request("POST", "/v1/functions", { id, serve_url, trigger_event });
  }
  let gathered = 0;
  return {
    server,
    app,
    async gather(event, data, status) {
      gathered = await count(sql, status);
      for (let from = 0; from < data.length; from += batch) {
        const events = data.slice(from, from + batch).map((one) => ({ name: event, data: one }));
        await server.request("POST", "/v1/events", { events });
        // No further ahead than the server can drive: what is measured is a crowd at rest.
        await reach(sql, status, gathered + from - 4 * batch);
      }
      await reach(sql, status, gathered + data.length);
    },
    async restingMb() {
      let least = Number.POSITIVE_INFINITY;
      for (let look = 0; look < 20; look++) {
        least = Math.min(least, await server.rssMb());
        await sleep(250);
      }
      return least;
    },
    async stop() {
      await Promise.all([app.stop(), server.stop(), sql.end()]);
    },
  };
}

async function reach(sql: postgres.Sql, status: string, target: number): Promise<void> {
  for (const deadline = Date.now() + gatherMs; (await count(sql, status)) < target; await sleep(100)) {
    if (Date.now() > deadline) throw new Error(`fewer than ${target} runs are ${status}`);
  }
}

async function count(sql: postgres.Sql, status: string): Promise<number> {
  const [row] = await sql<{ n: number }[]>`select count(*)::int as n from run where status = ${status}`;
  return row?.n ?? 0;
}
