// I1, I2, I5: Postgres dies while deliveries are under way and claims are on the wire. What was taken in is done.

import { contract } from "@rotorsh/contract";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { type Engine, startEngine } from "../engine.ts";
import { type Delivering, startDelivering } from "../testing/delivering.ts";
import { call, startProxy, type TestProxy, testOptions } from "../testing/index.ts";
import { createGate } from "../testing/witness.ts";

let work: Delivering;
let proxy: TestProxy;
let worker: Engine;

beforeAll(async () => {
  // The engine that delivers reaches the database through a line that can be cut.
  work = await startDelivering({ workers: false });
});

afterAll(() => work.stop());

beforeEach(async () => {
  proxy = await startProxy(work.rotor.url);
  worker = await startEngine({ ...testOptions(proxy.url), workers: true });
});

afterEach(async () => {
  proxy.set("pass");
  await worker.close();
  await proxy.close();
});

test("deliveries that end while the database is away are recorded when it is back, once", async () => {
  const gate = createGate();
  work.witness.behave(gate.behave);
  const name = await work.queue({ concurrency: 4 });
  const ids = await work.addMany(
    name,
    Array.from({ length: 12 }, () => ({})),
  );
  await expect.poll(() => gate.held.length, { timeout: 5000 }).toBe(4);
  proxy.set("refuse");
  gate.open();
  await expect.poll(() => gate.held.every(({ to }) => to !== undefined)).toBe(true);
  expect(await work.states(name)).toEqual({ active: 4, waiting: 8 });
  proxy.set("pass");
  await work.settled(name);
  expect(await work.states(name)).toEqual({ completed: 12 });
  expect(work.witness.ids(name).sort()).toEqual([...ids].sort());
});

test("jobs whose claim was answered to nobody are given back at once, and cost no attempt", async () => {
  const name = await work.queue({ concurrency: 50, retry_attempts: 1 });
  work.witness.behave((_, response) => void response.writeHead(200).end());
  let cuts = 0;
  const ids: string[] = [];
  // Cut again and again while jobs are being claimed: some of these cuts lose an answer.
  for (; cuts < 30; cuts++) {
    ids.push(
      ...(await work.addMany(
        name,
        Array.from({ length: 20 }, () => ({})),
      )),
    );
    await expect.poll(() => work.witness.ids(name).length, { timeout: 10_000 }).toBeGreaterThan(cuts * 10);
    proxy.cut();
  }
  // A lease that had to run out would take 15 seconds, and fail a job that has one attempt.
  await work.settled(name, 10_000);
  expect(await work.states(name)).toEqual({ completed: ids.length });
});

test("a new job is taken in again as soon as the database is, and what was not acknowledged exists at most once", async () => {
  const name = await work.queue();
  const jobs = Array.from({ length: 30 }, (_, index) => ({ name, jobId: `r${index}` }));
  const add = (job: (typeof jobs)[number]) => call(worker, work.rotor.home.admin, contract.jobs.enqueue, job);
  const first = jobs.map((job) =>
    add(job)
      .then(() => true)
      .catch(() => false),
  );
  setImmediate(() => proxy.cut());
  const acknowledged = (await Promise.all(first)).filter(Boolean).length;
  const { completed = 0, waiting = 0, active = 0 } = await work.states(name);
  expect(completed + waiting + active).toBeGreaterThanOrEqual(acknowledged);
  for (const job of jobs)
    await expect
      .poll(() =>
        add(job).then(
          () => "ok",
          () => "again",
        ),
      )
      .toBe("ok");
  await work.settled(name);
  expect(await work.states(name)).toEqual({ completed: 30 });
});
