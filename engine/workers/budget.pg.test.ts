// How much of other people's data a process holds at once.

import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { mostBytesInFlight } from "../core/slots.ts";
import { workQueue } from "../store/job-work.ts";
import { type Delivering, startDelivering } from "../testing/delivering.ts";
import { accept, createGate } from "../testing/witness.ts";

const payload = "x".repeat(500_000);
let work: Delivering;

beforeAll(async () => {
  work = await startDelivering();
});

afterEach(() => work.witness.behave(accept));

afterAll(() => work.stop());

test("a claim brings as many bytes as asked, but always one job, and says that there is more", async () => {
  const name = await work.queue({ callback_url: null, concurrency: 100 });
  await work.addMany(name, Array(6).fill({ payload }));
  const queueUid = await work.uidOf(name);
  const claim = (mostBytes: number) =>
    workQueue(work.rotor.sql, { queueUid, want: 50, mostBytes, lease: randomUUID(), leaseMs: 60_000 }, []);
  expect(await claim(1)).toMatchObject({ claimed: { length: 1 }, more: true });
  expect(await claim(1_000_000)).toMatchObject({ claimed: { length: 2 }, more: true });
  expect(await claim(10_000_000)).toMatchObject({ claimed: { length: 3 }, more: false });
});

test("a queue of large payloads holds a bounded number of them, and leaves room for another", async () => {
  const gate = createGate();
  work.witness.behave(gate.behave);
  const large = await work.queue({ concurrency: 1000, timeout_seconds: 60 });
  for (let batch = 0; batch < 6; batch++) await work.addMany(large, Array(25).fill({ payload }));
  const most = mostBytesInFlight / payload.length;
  await expect.poll(() => gate.held.length, { timeout: 20_000 }).toBeGreaterThan(most / 2);
  const small = await work.queue({ concurrency: 10 });
  await work.addMany(small, Array(10).fill({}));
  await expect.poll(() => gate.held.filter(({ queue }) => queue === small).length).toBe(10);
  expect(gate.held.length - 10).toBeLessThan(most + 1);
  gate.open();
  await work.settled(large, 30_000);
  expect(await work.states(large)).toEqual({ completed: 150 });
}, 60_000);
