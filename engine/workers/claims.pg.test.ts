// I2, I4, I5: a job is held by one worker at a time, and only by one that still has its lease.

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

const setState = (name: string, state: "paused" | "active") =>
  call(work.rotor.engine, work.rotor.home.admin, contract.queues.setState, { name, state });

function endOf(id: string, lease: string): JobEnd {
  return {
    ...{ id, lease, state: "completed", dueMs: null, result: '"late"', reason: null, failReason: null },
    ...{ fingerprint: null, durationMs: 1, status: 200, response: null, error: null },
  };
}

/** A pull queue: nobody but the test claims from it. */
async function claimByHand(attempts: number) {
  const name = await work.queue({ callback_url: null });
  const id = await work.add(name, { attempts });
  const lease = randomUUID();
  const queueUid = await work.uidOf(name);
  const claim = { queueUid, want: 5, lease, leaseMs: 11_000 };
  const { claimed } = await workQueue(work.rotor.sql, claim, []);
  expect(claimed.map((job) => job.id)).toEqual([id]);
  return { name, id, lease, queueUid };
}

test("I2, I4: an end that comes after its lease ran out is refused, and changes nothing", async () => {
  const { name, id, lease, queueUid } = await claimByHand(1);
  await work.rotor.moveClock("12 seconds");
  await work.settled(name);
  const before = await work.job(name, id);
  expect(before).toMatchObject({ state: "failed", reason: "stalled", attempts_made: 1 });
  expect(await endJobs(work.rotor.sql, queueUid, [endOf(id, lease)])).toMatchObject({ accepted: [] });
  expect(await work.job(name, id)).toEqual(before);
});

test("I4: while the job is in another's hands, the first holder's end is refused and the second's taken", async () => {
  const { name, id, lease, queueUid } = await claimByHand(3);
  await work.rotor.moveClock("12 seconds");
  await expect.poll(() => work.states(name)).toEqual({ waiting: 1 });
  const second = randomUUID();
  const claim = { queueUid, want: 1, lease: second, leaseMs: 11_000 };
  expect((await workQueue(work.rotor.sql, claim, [])).claimed).toMatchObject([{ id, attempt: 2 }]);
  expect(await endJobs(work.rotor.sql, queueUid, [endOf(id, lease)])).toMatchObject({ accepted: [] });
  expect(await endJobs(work.rotor.sql, queueUid, [endOf(id, second)])).toMatchObject({ accepted: [id] });
  expect(await endJobs(work.rotor.sql, queueUid, [endOf(id, second)])).toMatchObject({ accepted: [] });
  expect(await work.states(name)).toEqual({ completed: 1 });
  expect((await work.job(name, id)).attempts.map(({ attempt }) => attempt)).toEqual([1, 2]);
});

test("I2: two processes on one queue of concurrency 3 deliver 500 jobs once each, three at a time", async () => {
  const peer = await work.startPeer();
  const name = await work.queue({ concurrency: 3 });
  const ids = await work.addMany(
    name,
    Array.from({ length: 500 }, () => ({})),
  );
  await work.settled(name);
  const visits = work.witness.visits.filter(({ queue }) => queue === name);
  expect(visits.map(({ id }) => id).sort()).toEqual([...ids].sort());
  expect(mostAtOnce(visits)).toBeLessThanOrEqual(3);
  expect(await work.states(name)).toEqual({ completed: 500 });
  await peer.close();
});

test("jobs start by priority, and within one priority in the order they came", async () => {
  const name = await work.queue({ concurrency: 1 });
  await setState(name, "paused");
  const sent = [5, 0, 5, 1, 0, 2_097_152, 1].map((priority, index) => ({
    priority,
    jobId: `${priority}-${index}`,
  }));
  for (const job of sent) await work.add(name, job);
  await setState(name, "active");
  await work.settled(name);
  expect(work.witness.ids(name)).toEqual(["0-1", "0-4", "1-3", "1-6", "5-0", "5-2", "2097152-5"]);
});

test("pausing stops the next job and no job under way; resuming goes on", async () => {
  const gate = createGate();
  work.witness.behave(gate.behave);
  const name = await work.queue({ concurrency: 1 });
  await work.addMany(name, [{ jobId: "one" }, { jobId: "two" }]);
  await expect.poll(() => work.witness.ids(name)).toEqual(["one"]);
  await setState(name, "paused");
  gate.open();
  await expect.poll(() => work.states(name)).toEqual({ completed: 1, waiting: 1 });
  const claim = { queueUid: await work.uidOf(name), want: 5, lease: randomUUID(), leaseMs: 11_000 };
  expect((await workQueue(work.rotor.sql, claim, [])).claimed).toEqual([]);
  await setState(name, "active");
  await work.settled(name);
  expect(work.witness.ids(name)).toEqual(["one", "two"]);
});

test("a change of concurrency holds for the jobs that start after it, up and down", async () => {
  const gate = createGate();
  work.witness.behave(gate.behave);
  const name = await work.queue({ concurrency: 1 });
  await work.addMany(
    name,
    Array.from({ length: 12 }, (_, index) => ({ jobId: `j${index}` })),
  );
  await expect.poll(() => gate.held.length).toBe(1);
  await work.change(name, { concurrency: 4 });
  await expect.poll(() => gate.held.length, { timeout: 5000 }).toBe(4);
  await work.change(name, { concurrency: 2 });
  for (const id of ["j0", "j1", "j2"]) gate.open(id);
  // One is still under way, so one more may start, not three.
  await expect.poll(() => gate.held.length, { timeout: 5000 }).toBe(5);
  expect(await work.states(name)).toEqual({ completed: 3, active: 2, waiting: 7 });
  gate.open();
  await work.settled(name);
  expect(
    mostAtOnce(work.witness.visits.filter(({ id, queue }) => queue === name && id >= "j5")),
  ).toBeLessThan(3);
});

test("a queue's rate is exact over two processes: n per period, and n more in the next", async () => {
  const peer = await work.startPeer();
  const name = await work.queue({ concurrency: 50, rate_limit: { max: 7, period_seconds: 3600 } });
  await work.addMany(
    name,
    Array.from({ length: 20 }, () => ({})),
  );
  await expect.poll(() => work.states(name)).toEqual({ completed: 7, waiting: 13 });
  const claim = { queueUid: await work.uidOf(name), want: 50, lease: randomUUID(), leaseMs: 11_000 };
  await work.rotor.moveClock("59 minutes");
  expect((await workQueue(work.rotor.sql, claim, [])).claimed).toEqual([]);
  await work.rotor.moveClock("61 seconds");
  await expect.poll(() => work.states(name), { timeout: 5000 }).toEqual({ completed: 14, waiting: 6 });
  await work.rotor.moveClock("1 hour");
  await work.settled(name);
  expect(work.witness.ids(name)).toHaveLength(20);
  await peer.close();
});

test("a delayed job starts when its time has come and not before", async () => {
  const name = await work.queue();
  const id = await work.add(name, { delay: "1h" });
  await work.rotor.moveClock("59 minutes");
  const other = await work.add(name);
  await expect.poll(() => work.witness.ids(name)).toEqual([other]);
  expect(await work.states(name)).toEqual({ completed: 1, delayed: 1 });
  await work.rotor.moveClock("61 seconds");
  await work.settled(name);
  expect(work.witness.ids(name)).toEqual([other, id]);
});
