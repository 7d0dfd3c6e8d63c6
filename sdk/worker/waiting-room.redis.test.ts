// Workers that wait on the broker, on either kind.

import { afterAll, afterEach, beforeAll, describe, expect, inject, test, vi } from "vitest";
import { startTestServer, type TestServer } from "../../mcp/testing/server.ts";
import { Rotor, RotorWorker } from "../index.ts";
import { versionProblem } from "./waiting-room.ts";

const kinds = { Postgres: undefined, Redis: () => inject("redis") };

describe.each(Object.entries(kinds))("on %s", (_kind, redis) => {
  let server: TestServer;
  let rotor: Rotor;
  let connection: string;
  let queueName: string;
  let made = 0;
  const open: RotorWorker[] = [];
  const warnings: string[] = [];

  beforeAll(async () => {
    server = await startTestServer(redis ? { redisUrl: redis() } : {});
    connection = redis ? redis() : server.databaseUrl;
    rotor = new Rotor({ url: server.url, apiKey: server.adminKey });
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((worker) => worker.close()));
    warnings.length = 0;
  });
  afterAll(() => server?.close());

  async function work(done: (id: string) => void, concurrency = 1, where = connection) {
    const worker = new RotorWorker({
      url: server.url,
      apiKey: server.adminKey,
      queueName,
      connection: where,
      concurrency,
      onWarning: (problem) => warnings.push(problem),
      processor: ({ id }) => done(id),
    });
    open.push(worker);
    await worker.ready();
  }

  async function createQueue() {
    queueName = `awaited-${++made}`;
    await rotor.queues.create(queueName, { concurrency: 100 });
  }

  test("work is heard of on the broker, one job after another", async () => {
    await createQueue();
    const done = new Set<string>();
    await work((id) => void done.add(id));
    for (let n = 0; n < 10; n++) {
      const { id } = await rotor.jobs.enqueue(queueName);
      await vi.waitFor(() => expect(done).toContain(id), { timeout: 5000, interval: 5 });
    }
    expect(warnings).toEqual([]);
  });

  test("a burst wakes worker after worker, and all of it is done once", async () => {
    await createQueue();
    const done: string[] = [];
    const workers = new Map<number, number>();
    for (const worker of [1, 2, 3]) {
      await work((id) => {
        done.push(id);
        workers.set(worker, (workers.get(worker) ?? 0) + 1);
      }, 2);
    }
    const { jobs } = await rotor.jobs.addBatch(
      queueName,
      Array.from({ length: 60 }, () => ({})),
    );
    await vi.waitFor(() => expect(done.toSorted()).toEqual(jobs.map(({ id }) => id).toSorted()), 10_000);
    expect(workers.size).toBeGreaterThan(1);
  });

  test("a broker that is not there is said once, and the API is polled instead", async () => {
    await createQueue();
    const done = new Set<string>();
    const gone = redis ? "redis://127.0.0.1:9" : "postgres://nobody@127.0.0.1:9/none";
    await work((id) => void done.add(id), 1, gone);
    const { id } = await rotor.jobs.enqueue(queueName);
    await vi.waitFor(() => expect(done).toContain(id), 15_000);
    expect(warnings.length).toBeLessThanOrEqual(1);
  });
});

test("another major version of BullMQ is warned of", () => {
  expect(versionProblem("6.7.0")).toBeUndefined();
  expect(versionProblem("5.63.1")).toContain("bullmq 5.63.1 is installed");
  expect(versionProblem("10.0.0")).toContain("made for bullmq 6");
});
