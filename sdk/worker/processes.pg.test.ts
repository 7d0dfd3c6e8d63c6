// Workers that are processes of their own: what happens to their jobs when the process ends.

import postgres from "postgres";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { startTestServer, type TestServer } from "../../mcp/testing/server.ts";
import { Rotor } from "../index.ts";
import { startWorkerProcess } from "../testing/worker-process.ts";

let server: TestServer;
let rotor: Rotor;
let sql: postgres.Sql;

beforeAll(async () => {
  server = await startTestServer();
  rotor = new Rotor({ url: server.url, apiKey: server.adminKey });
  sql = postgres(server.databaseUrl, { max: 1 });
});
afterAll(async () => {
  await sql?.end();
  await server?.close();
});

const start = (queue: string) => startWorkerProcess({ url: server.url, apiKey: server.adminKey, queue });

test("the job of a worker that is killed goes to another when its lease is over, and counts an attempt", async () => {
  await rotor.queues.create("killed", { backoff: { delay: 0 } });
  const first = await start("killed");
  const { id } = await rotor.jobs.enqueue("killed");
  expect(JSON.parse(await first.line())).toEqual({ id, attemptsMade: 0 });
  first.signal("SIGKILL");
  expect(await first.ended).toBe("SIGKILL");
  const second = await start("killed");
  expect(await rotor.jobs.get("killed", id)).toMatchObject({ state: "active" });
  await sql`update clock set shift = shift + interval '1 minute'`;
  expect(JSON.parse(await second.line())).toEqual({ id, attemptsMade: 1 });
  second.finish();
  const job = await vi.waitFor(async () => {
    const now = await rotor.jobs.get("killed", id);
    expect(now.state).toBe("completed");
    return now;
  });
  expect(job.attempts.map(({ error }) => error)).toEqual([
    "The worker of this attempt was not heard of again.",
    null,
  ]);
  second.signal("SIGTERM");
  expect(await second.ended).toBe(0);
});

test("SIGTERM lets the job under way end, takes no other, and ends the process", async () => {
  await rotor.queues.create("drained", {});
  const worker = await start("drained");
  const first = await rotor.jobs.enqueue("drained");
  await worker.line();
  worker.signal("SIGTERM");
  const second = await rotor.jobs.enqueue("drained");
  worker.finish();
  expect(await worker.ended).toBe(0);
  expect(await rotor.jobs.get("drained", first.id)).toMatchObject({ state: "completed", attempts_made: 1 });
  expect(await rotor.jobs.get("drained", second.id)).toMatchObject({ state: "waiting", attempts_made: 0 });
});
