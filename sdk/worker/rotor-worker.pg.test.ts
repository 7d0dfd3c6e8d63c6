// Workers of pull queues against the real server, over a real socket.

import { startProxy } from "@rotorsh/engine/testing";
import postgres from "postgres";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { startTestServer, type TestServer } from "../../mcp/testing/server.ts";
import { Rotor, RotorWorker, type RotorWorkerOptions } from "../index.ts";
import { deferred } from "../testing/deferred.ts";

let server: TestServer;
let rotor: Rotor;
let queueName: string;
let made = 0;
const open: RotorWorker[] = [];

beforeAll(async () => {
  server = await startTestServer();
  rotor = new Rotor({ url: server.url, apiKey: server.adminKey });
});
afterAll(() => server?.close());
beforeEach(async () => {
  queueName = `pull-${++made}`;
  await rotor.queues.create(queueName, { concurrency: 100, backoff: { delay: 0 } });
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((worker) => worker.close()));
});

type Changed = Partial<RotorWorkerOptions<{ n: number }>>;

async function work(processor: RotorWorkerOptions<{ n: number }>["processor"], changed: Changed = {}) {
  const options = { url: server.url, apiKey: server.adminKey, queueName, onWarning: () => {} };
  const worker = new RotorWorker<{ n: number }>({ ...options, processor, ...changed });
  open.push(worker);
  await worker.ready();
  return worker;
}

const ended = (id: string) =>
  vi.waitFor(
    async () => {
      const job = await rotor.jobs.get(queueName, id);
      expect(["completed", "failed"]).toContain(job.state);
      return job;
    },
    { timeout: 10_000, interval: 20 },
  );

test("a job is processed once and its result is kept", async () => {
  const seen: unknown[] = [];
  await work(async ({ id, data, attemptsMade, tags }) => {
    seen.push({ id, data, attemptsMade, tags });
    return { doubled: data.payload.n * 2 };
  });
  const { id } = await rotor.jobs.enqueue(queueName, { payload: { n: 21 }, tags: ["campaign:q2"] });
  expect(await ended(id)).toMatchObject({ state: "completed", result: { doubled: 42 } });
  expect(seen).toEqual([{ id, data: { payload: { n: 21 } }, attemptsMade: 0, tags: ["campaign:q2"] }]);
});

test("what a processor throws fails the attempt, and the next one sees how many there were", async () => {
  const attempts: number[] = [];
  await work(({ attemptsMade }) => {
    attempts.push(attemptsMade);
    if (attemptsMade < 2) throw new Error(`no luck ${attemptsMade}`);
  });
  const { id } = await rotor.jobs.enqueue(queueName);
  const job = await ended(id);
  expect(job).toMatchObject({ state: "completed", attempts_made: 3, result: null });
  expect(job.attempts.map(({ error }) => error)).toEqual(["no luck 0", "no luck 1", null]);
  expect(attempts).toEqual([0, 1, 2]);
});

test("an error named NonRetriableError ends the job at once", async () => {
  await work(() => {
    throw Object.assign(new Error("gone for good"), { name: "NonRetriableError" });
  });
  const { id } = await rotor.jobs.enqueue(queueName);
  expect(await ended(id)).toMatchObject({ state: "failed", attempts_made: 1, fail_reason: "gone for good" });
});

test("a worker runs as many jobs at once as it may, and no more", async () => {
  const doors = [deferred(), deferred(), deferred()];
  const begun: string[] = [];
  await work(({ id }) => doors[begun.push(id) - 1]?.promise, { concurrency: 2 });
  const { jobs } = await rotor.jobs.addBatch(queueName, [{}, {}, {}]);
  await vi.waitFor(() => expect(begun).toHaveLength(2));
  expect((await rotor.jobs.list(queueName, { state: "waiting" })).data).toHaveLength(1);
  doors[0]?.resolve();
  await vi.waitFor(() => expect(begun).toHaveLength(3));
  for (const door of doors) door.resolve();
  for (const { id } of jobs) await ended(id);
});

test("two workers together keep to the queue's concurrency and to its keys", async () => {
  await rotor.queues.update(queueName, { concurrency: 3 });
  let now = 0;
  let most = 0;
  const keys = new Map<string, number>();
  const processor: RotorWorkerOptions<{ n: number }>["processor"] = async ({ tags: [key = ""] }) => {
    most = Math.max(most, ++now);
    keys.set(key, (keys.get(key) ?? 0) + 1);
    expect(keys.get(key)).toBe(1);
    await new Promise((resolve) => setImmediate(resolve));
    keys.set(key, 0);
    now--;
  };
  await Promise.all([work(processor, { concurrency: 5 }), work(processor, { concurrency: 5 })]);
  const sent = Array.from({ length: 60 }, (_, n) => `k${n % 4}`);
  const { jobs } = await rotor.jobs.addBatch(
    queueName,
    sent.map((key) => ({ concurrencyKey: key, tags: [key] })),
  );
  for (const { id } of jobs) expect(await ended(id)).toMatchObject({ state: "completed", attempts_made: 1 });
  expect(most).toBeGreaterThan(1);
  expect(most).toBeLessThanOrEqual(3);
});

test("a lease is renewed while the processor runs", async () => {
  const door = deferred();
  await work(() => door.promise, { leaseSeconds: 5 });
  const { id } = await rotor.jobs.enqueue(queueName);
  const sql = postgres(server.databaseUrl, { max: 1 });
  const until = async () =>
    (await sql`select lease_until from job where id = ${id} and state = 'active'`)[0]?.lease_until;
  const first = await vi.waitFor(async () => {
    const at = await until();
    expect(at).toBeDefined();
    return at;
  });
  await vi.waitFor(async () => expect((await until()).getTime()).toBeGreaterThan(first.getTime()), 5000);
  door.resolve();
  expect(await ended(id)).toMatchObject({ state: "completed", attempts_made: 1 });
  await sql.end();
});

describe("closing", () => {
  test("waits for the job under way and takes nothing new", async () => {
    const [door, begun] = [deferred(), deferred()];
    const worker = await work(() => {
      begun.resolve();
      return door.promise;
    });
    const first = await rotor.jobs.enqueue(queueName);
    await begun.promise;
    const second = await rotor.jobs.enqueue(queueName);
    const closed = worker.close();
    door.resolve();
    await closed;
    expect(await rotor.jobs.get(queueName, first.id)).toMatchObject({ state: "completed" });
    expect(await rotor.jobs.get(queueName, second.id)).toMatchObject({ state: "waiting", attempts_made: 0 });
  });

  test("a worker that waits for work closes at once", async () => {
    const worker = await work(() => {});
    await worker.close();
    const { id } = await rotor.jobs.enqueue(queueName);
    expect(await rotor.jobs.get(queueName, id)).toMatchObject({ state: "waiting" });
  });

  test("a job that outlasts drainTimeout is told to stop, and its attempt has failed", async () => {
    const begun = deferred();
    const reasons: unknown[] = [];
    const worker = await work(
      (_job, signal) => {
        begun.resolve();
        return new Promise((_, reject) => {
          signal.addEventListener("abort", () => {
            reasons.push(signal.reason);
            reject(signal.reason);
          });
        });
      },
      { drainTimeout: 1 },
    );
    const { id } = await rotor.jobs.enqueue(queueName, { attempts: 1 });
    await begun.promise;
    await worker.close();
    expect(reasons).toHaveLength(1);
    expect(await rotor.jobs.get(queueName, id)).toMatchObject({
      state: "failed",
      fail_reason: "The worker was stopped before the job was done",
    });
  });
});

test("a worker outlives an outage of its line, and tells what it did in the meantime", async () => {
  const proxy = await startProxy(server.url);
  const [door, begun] = [deferred(), deferred()];
  await work(
    async () => {
      begun.resolve();
      await door.promise;
    },
    { url: proxy.url },
  );
  const first = await rotor.jobs.enqueue(queueName);
  await begun.promise;
  proxy.set("refuse");
  door.resolve();
  await new Promise((resolve) => setImmediate(resolve));
  proxy.set("pass");
  const second = await rotor.jobs.enqueue(queueName);
  for (const { id } of [first, second]) expect(await ended(id)).toMatchObject({ state: "completed" });
  await Promise.all(open.splice(0).map((worker) => worker.close()));
  await proxy.close();
});

test.each([
  ["a key that is none", () => ({ apiKey: "rt_ws_x" }), "UNAUTHENTICATED"],
  ["a queue that is not there", () => ({ queueName: "nowhere" }), "QUEUE_NOT_FOUND"],
  ["another workspace than the key's", () => ({ workspaceId: "ws_other" }), "WORKSPACE_MISMATCH"],
])("a worker with %s is refused when it is ready() for", async (_, changed, code) => {
  await expect(work(() => {}, changed())).rejects.toMatchObject({ code });
});
