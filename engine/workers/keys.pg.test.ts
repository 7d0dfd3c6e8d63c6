// Concurrency keys: one active job per key in the whole workspace, the next one at once, and nobody left behind.

import { randomUUID } from "node:crypto";
import { contract } from "@rotorsh/contract";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { endJobs, type JobEnd, workQueue } from "../store/job-work.ts";
import { type Delivering, startDelivering } from "../testing/delivering.ts";
import { call } from "../testing/index.ts";
import { accept, createGate, mostAtOnce } from "../testing/witness.ts";

let work: Delivering;

beforeAll(async () => {
  work = await startDelivering();
});

afterEach(() => work.witness.behave(accept));

afterAll(() => work.stop());

const completed: Omit<JobEnd, "id" | "lease"> = {
  ...{ state: "completed", dueMs: null, result: null, reason: null, failReason: null },
  ...{ fingerprint: null, durationMs: 1, status: 200, response: null, error: null },
};

const setState = (name: string, state: "paused" | "active") =>
  call(work.rotor.engine, work.rotor.home.admin, contract.queues.setState, { name, state });

const cancel = (name: string, id: string) =>
  call(work.rotor.engine, work.rotor.home.admin, contract.jobs.cancel, { name, id });

async function parked(name: string): Promise<number> {
  const uid = await work.uidOf(name);
  const [row] = await work.rotor.sql`select count(*)::int as n from job where queue_uid = ${uid} and parked`;
  return row?.n as number;
}

async function hold(name: string, key: string) {
  const gate = createGate();
  work.witness.behave(gate.behave);
  const holder = await work.add(name, { concurrencyKey: key });
  await expect.poll(() => gate.held.map(({ id }) => id)).toContain(holder);
  return { gate, holder };
}

test("I2: over two queues and two processes, no two jobs of a key are active at once", async () => {
  const peer = await work.startPeer();
  const [a, b] = [await work.queue({ concurrency: 20 }), await work.queue({ concurrency: 20 })];
  const jobs = (queue: string) =>
    Array.from({ length: 150 }, (_, index) => ({
      concurrencyKey: `k${index % 5}`,
      payload: { key: `k${index % 5}`, queue },
    }));
  await Promise.all([work.addMany(a, jobs(a)), work.addMany(b, jobs(b))]);
  await Promise.all([work.settled(a), work.settled(b)]);
  const visits = work.witness.visits.filter(({ queue }) => queue === a || queue === b);
  expect(visits).toHaveLength(300);
  for (const key of ["k0", "k1", "k2", "k3", "k4"]) {
    const own = visits.filter(({ body }) => JSON.parse(body).key === key);
    expect(own).toHaveLength(60);
    expect(mostAtOnce(own)).toBe(1);
  }
  expect(await work.rotor.sql`select * from job_key`).toHaveLength(0);
  await peer.close();
});

test("the next job of a key starts when the holder ends, in its own queue and in another", async () => {
  const [a, b] = [await work.queue({ concurrency: 5 }), await work.queue({ concurrency: 5 })];
  const { gate, holder } = await hold(a, "handover");
  const next = await work.add(a, { concurrencyKey: "handover" });
  await expect.poll(() => parked(a)).toBe(1);
  gate.open(holder);
  await expect.poll(() => gate.held.map(({ id }) => id)).toContain(next);
  const other = await work.add(b, { concurrencyKey: "handover" });
  await expect.poll(() => parked(b)).toBe(1);
  gate.open();
  await Promise.all([work.settled(a), work.settled(b)]);
  const visit = (id: string) => work.witness.visits.find((one) => one.id === id);
  const gap = (first: string, second: string) =>
    (visit(second)?.from as number) - (visit(first)?.to as number);
  // Found by polling it would take seconds.
  expect(gap(holder, next)).toBeLessThan(500);
  expect(gap(next, other)).toBeLessThan(500);
});

test("a key is not held through a retry's wait, nor by a job that failed", async () => {
  const name = await work.queue({ concurrency: 5, backoff: { type: "fixed", delay: 3_600_000, jitter: 0 } });
  work.witness.behave((visit, response) => {
    response.writeHead(visit.id === "fails" ? 500 : 200).end();
  });
  await work.add(name, { jobId: "fails", concurrencyKey: "retrying", attempts: 2 });
  await expect.poll(() => work.states(name)).toEqual({ delayed: 1 });
  await work.add(name, { jobId: "passes", concurrencyKey: "retrying" });
  await expect.poll(() => work.states(name)).toEqual({ delayed: 1, completed: 1 });
  await work.rotor.moveClock("61 minutes");
  await work.settled(name);
  expect(await work.states(name)).toEqual({ failed: 1, completed: 1 });
});

test("I5: a key whose holder died is free when the holder's lease has run out", async () => {
  const dead = await work.queue({ callback_url: null });
  const name = await work.queue();
  const id = await work.add(dead, { concurrencyKey: "of the dead", attempts: 1 });
  const claim = { queueUid: await work.uidOf(dead), want: 1, lease: randomUUID(), leaseMs: 11_000 };
  expect((await workQueue(work.rotor.sql, claim, [])).claimed).toMatchObject([{ id }]);
  const waiting = await work.add(name, { concurrencyKey: "of the dead" });
  await expect.poll(() => parked(name)).toBe(1);
  await work.rotor.moveClock("12 seconds");
  await work.settled(name);
  expect(work.witness.ids(name)).toEqual([waiting]);
  expect(await work.job(dead, id)).toMatchObject({ state: "failed", reason: "stalled" });
});

test("parked jobs start in the order they came", async () => {
  const name = await work.queue({ concurrency: 5 });
  const { gate, holder } = await hold(name, "fifo");
  const ids = await work.addMany(
    name,
    Array.from({ length: 6 }, () => ({ concurrencyKey: "fifo" })),
  );
  await expect.poll(() => parked(name)).toBe(6);
  gate.open();
  await work.settled(name);
  expect(work.witness.ids(name)).toEqual([holder, ...ids]);
});

test("cancelling the job that was to hold the key next lets the one after it start", async () => {
  const [a, b] = [await work.queue({ concurrency: 5 }), await work.queue({ concurrency: 5 })];
  const { gate, holder } = await hold(a, "next is cancelled");
  const [next, after] = await work.addMany(b, [
    { concurrencyKey: "next is cancelled" },
    { concurrencyKey: "next is cancelled" },
  ]);
  await expect.poll(() => parked(b)).toBe(2);
  await setState(b, "paused");
  gate.open(holder);
  await expect.poll(() => parked(b)).toBe(1);
  await cancel(b, next as string);
  expect(await parked(b)).toBe(0);
  gate.open();
  await setState(b, "active");
  await work.settled(b);
  expect(work.witness.ids(b)).toEqual([after]);
});

test("a parked job that is cancelled is gone, and the others go on", async () => {
  const name = await work.queue({ concurrency: 5 });
  const { gate } = await hold(name, "one is cancelled");
  const [first, second] = await work.addMany(name, [
    { concurrencyKey: "one is cancelled" },
    { concurrencyKey: "one is cancelled" },
  ]);
  await expect.poll(() => parked(name)).toBe(2);
  await cancel(name, first as string);
  gate.open();
  await work.settled(name);
  expect(await work.states(name)).toEqual({ completed: 2, cancelled: 1 });
  expect(work.witness.ids(name).at(-1)).toBe(second);
});

test("a paused queue whose job is next for a key does not stop the key's jobs in other queues", async () => {
  const [a, b] = [await work.queue({ concurrency: 5 }), await work.queue({ concurrency: 5 })];
  const { gate, holder } = await hold(a, "next is paused");
  await work.add(b, { concurrencyKey: "next is paused" });
  await expect.poll(() => parked(b)).toBe(1);
  await setState(b, "paused");
  const others = await work.addMany(
    a,
    Array.from({ length: 3 }, () => ({ concurrencyKey: "next is paused" })),
  );
  await expect.poll(() => parked(a)).toBe(3);
  gate.open();
  await work.settled(a);
  expect(work.witness.ids(a)).toEqual([holder, ...others]);
  expect(await work.states(b)).toEqual({ waiting: 1 });
  await setState(b, "active");
  await work.settled(b);
});

test("claims of queues that want the same keys in another order never wait for each other", async () => {
  const settings = { callback_url: null, concurrency: 1000 };
  const [a, b] = [await work.queue(settings), await work.queue(settings)];
  const keys = Array.from({ length: 60 }, (_, index) => `cross-${String(index).padStart(2, "0")}`);
  const jobs = (order: string[]) =>
    [...order, ...order].map((concurrencyKey, priority) => ({ concurrencyKey, priority }));
  await Promise.all([work.addMany(a, jobs(keys)), work.addMany(b, jobs(keys.toReversed()))]);
  const uids = [await work.uidOf(a), await work.uidOf(b)];
  const left = { jobs: 4 * keys.length };
  const workOff = async (queueUid: number) => {
    while (left.jobs > 0) {
      const lease = randomUUID();
      // Few at a time, so that claims of both have keys that the other one wants.
      const claim = { queueUid, want: 5, lease, leaseMs: 60_000 };
      const { claimed } = await workQueue(work.rotor.sql, claim, []);
      left.jobs -= claimed.length;
      await endJobs(
        work.rotor.sql,
        queueUid,
        claimed.map(({ id }) => ({ ...completed, id, lease })),
      );
    }
  };
  // A deadlock would reject one of them.
  await Promise.all([...uids, ...uids].map(workOff));
  expect([await work.states(a), await work.states(b)]).toEqual([{ completed: 120 }, { completed: 120 }]);
}, 60_000);
