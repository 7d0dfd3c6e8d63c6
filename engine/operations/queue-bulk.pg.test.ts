// Draining, retrying and deleting many jobs, and the previews of that.

import { contract } from "@rotorsh/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import { call, codeOf, startTestEngine, type TestEngine } from "../testing/index.ts";
import { claim, end, failure, queueUid, success, workOff } from "../testing/work.ts";

let rotor: TestEngine;
beforeAll(async () => {
  rotor = await startTestEngine();
});
afterAll(() => rotor.stop());

const perform = <Op extends Parameters<typeof call>[2]>(operation: Op, input: object) =>
  call(rotor.engine, rotor.home.admin, operation, input as never);

let made = 0;
async function createQueue(settings: object = {}) {
  const name = `bulk-${++made}`;
  await perform(contract.queues.create, { name, concurrency: 1000, ...settings });
  return { name, uid: await queueUid(rotor.sql, rotor.home.id, name) };
}

async function add(name: string, count: number, options: (index: number) => object = () => ({})) {
  for (let from = 0; from < count; from += 1000) {
    const length = Math.min(1000, count - from);
    const jobs = Array.from({ length }, (_, index) => ({
      jobId: `j${from + index}`,
      ...options(from + index),
    }));
    await perform(contract.jobs.addBatch, { name, jobs });
  }
}

async function states(uid: number): Promise<Record<string, number>> {
  const rows =
    await rotor.sql`select state, count(*)::int as n from job where queue_uid = ${uid} group by state`;
  return Object.fromEntries(rows.map(({ state, n }) => [state, n]));
}

const events = async (resource: string) =>
  (await perform(contract.audit.list, { resource_id: resource })).data.map(({ event_type: type }) => type);

test("drain deletes the waiting jobs, more than one batch of them, and nothing else", async () => {
  const { name, uid } = await createQueue();
  await add(name, 1);
  await workOff(rotor.sql, uid, () => success);
  await add(name, 2, (index) => ({ jobId: `held${index}` }));
  await claim(rotor.sql, uid);
  await add(name, 2500, (index) => ({ jobId: `w${index}`, tags: ["t"] }));
  await perform(contract.jobs.enqueue, { name, delay: 60 });
  expect(await perform(contract.queues.drain, { name })).toEqual({ drained: 2500, remaining: 0 });
  expect(await states(uid)).toEqual({ completed: 1, active: 2, delayed: 1 });
  expect(await rotor.sql`select from job_tag where queue_uid = ${uid}`).toHaveLength(0);
  expect(await events(name)).toContain("queue.drained");
});

test("with include_delayed the delayed go too; a drained id may be used again", async () => {
  const { name, uid } = await createQueue();
  await perform(contract.jobs.enqueue, { name, jobId: "a", delay: 60 });
  await perform(contract.jobs.enqueue, { name, jobId: "b" });
  expect((await perform(contract.queues.drain, { name, include_delayed: true })).drained).toBe(2);
  expect(await perform(contract.jobs.enqueue, { name, jobId: "a" })).not.toHaveProperty("duplicate");
  expect(await states(uid)).toEqual({ waiting: 1 });
});

test("draining an empty queue changes nothing and leaves no event", async () => {
  const { name } = await createQueue();
  expect(await perform(contract.queues.drain, { name })).toEqual({ drained: 0, remaining: 0 });
  expect(await events(name)).not.toContain("queue.drained");
});

test("jobs parked behind a drained one's key go on", async () => {
  const [a, b] = [await createQueue(), await createQueue()];
  await perform(contract.jobs.enqueue, { name: a.name, jobId: "holder", concurrencyKey: "k" });
  const held = await claim(rotor.sql, a.uid);
  await perform(contract.jobs.enqueue, { name: a.name, jobId: "next", concurrencyKey: "k" });
  await perform(contract.jobs.enqueue, { name: b.name, jobId: "other", concurrencyKey: "k" });
  expect(await claim(rotor.sql, a.uid)).toEqual([]);
  expect(await claim(rotor.sql, b.uid)).toEqual([]);
  await end(rotor.sql, a.uid, held, () => success);
  await perform(contract.queues.drain, { name: a.name });
  expect((await claim(rotor.sql, b.uid)).map(({ id }) => id)).toEqual(["other"]);
});

test("retry-all lets every failed job wait again, as its next generation", async () => {
  const { name, uid } = await createQueue();
  await add(name, 2500);
  await workOff(rotor.sql, uid, () => failure());
  const { retried, nextCursor, remaining } = await perform(contract.queues.retryAll, { name });
  expect([retried, nextCursor, remaining]).toEqual([2500, null, 0]);
  expect(await states(uid)).toEqual({ waiting: 2500 });
  const job = await perform(contract.jobs.get, { name, id: "j7" });
  expect(job).toMatchObject({ generation: 2, attempts_made: 0, reason: null, ended_at: null });
  expect(await workOff(rotor.sql, uid, () => success)).toBe(2500);
});

test("retry-all takes those that the filter finds", async () => {
  const { name, uid } = await createQueue();
  await add(name, 12, (index) => ({ tags: [index % 2 ? "odd" : "even"] }));
  await workOff(rotor.sql, uid, ({ id }) => failure(Number(id.slice(1)) < 6 ? "http_503" : "timeout", "x"));
  const dry = (filter: object) => perform(contract.queues.retryAll, { name, dry_run: true, ...filter });
  expect((await dry({})).counts).toEqual({ matching: 12, looked_at: 12, failed: 12 });
  expect((await dry({ tag: "odd" })).counts).toMatchObject({ matching: 6, looked_at: 6 });
  expect((await dry({ reason: "timeout" })).counts).toMatchObject({ matching: 6 });
  expect((await dry({ reason: "timeout", tag: "odd" })).sample).toEqual(["j7", "j9", "j11"]);
  expect((await dry({ fingerprint: "http_503|x" })).counts).toMatchObject({ matching: 6 });
  const inAnHour = new Date(Date.now() + 3_600_000).toISOString();
  expect((await dry({ from: inAnHour })).counts).toMatchObject({ matching: 0 });
  expect((await dry({ to: inAnHour })).counts).toMatchObject({ matching: 12 });
  expect((await perform(contract.queues.retryAll, { name, reason: "timeout", tag: "odd" })).retried).toBe(3);
  expect(await states(uid)).toEqual({ failed: 9, waiting: 3 });
});

test("a confirmation is good for the call that was shown, and for less than was shown", async () => {
  const { name, uid } = await createQueue();
  await add(name, 3);
  const preview = await perform(contract.queues.drain, { name, dry_run: true });
  expect(preview).toMatchObject({
    drained: 0,
    remaining: 3,
    counts: { waiting: 3 },
    sample: ["j0", "j1", "j2"],
  });
  expect(await states(uid)).toEqual({ waiting: 3 });
  const { confirm_token } = preview;
  const drain = (input: object) => codeOf(perform(contract.queues.drain, { name, confirm_token, ...input }));
  expect(await drain({ include_delayed: true })).toBe("CONFIRMATION_STALE");
  expect(await drain({ confirm_token: `${confirm_token}x` })).toBe("CONFIRMATION_STALE");
  await perform(contract.jobs.enqueue, { name, jobId: "one more" });
  expect(await drain({})).toBe("CONFIRMATION_STALE");
  const other = await rotor.home.callerFor();
  const stolen = call(rotor.engine, other, contract.queues.drain, { name, confirm_token });
  expect(await codeOf(stolen)).toBe("CONFIRMATION_STALE");
  await perform(contract.jobs.cancel, { name, id: "one more" });
  await perform(contract.jobs.cancel, { name, id: "j0" });
  expect(await drain({})).toBe("ok");
  expect(await states(uid)).toEqual({ cancelled: 2 });
});

test("a confirmation is stale after five minutes", async () => {
  const { name } = await createQueue();
  const { confirm_token } = await perform(contract.queues.delete, { name, dry_run: true });
  await rotor.moveClock("5 minutes");
  expect(await codeOf(perform(contract.queues.delete, { name, confirm_token }))).toBe("CONFIRMATION_STALE");
});

test("a queue with open jobs is deleted only with them; ended ones go with it", async () => {
  const { name, uid } = await createQueue();
  await add(name, 2);
  await workOff(rotor.sql, uid, () => failure());
  await add(name, 1, () => ({ jobId: "open" }));
  expect(await codeOf(perform(contract.queues.delete, { name }))).toBe("QUEUE_NOT_EMPTY");
  const preview = await perform(contract.queues.delete, { name, dry_run: true });
  expect(preview).toMatchObject({ deleted: false, jobs: 3, counts: { waiting: 1, failed: 2 } });
  expect(await perform(contract.queues.delete, { name, with_jobs: true })).toEqual({
    deleted: true,
    jobs: 3,
  });
  expect(await codeOf(perform(contract.queues.get, { name }))).toBe("QUEUE_NOT_FOUND");
  await perform(contract.queues.create, { name });
  expect((await perform(contract.jobs.list, { name })).data).toEqual([]);
});

test("after a drain a queue can be deleted without more words", async () => {
  const { name } = await createQueue();
  await add(name, 2);
  await perform(contract.queues.drain, { name });
  expect(await perform(contract.queues.delete, { name })).toMatchObject({ deleted: true });
});

test.each([
  [
    "11 tags",
    contract.jobs.enqueue,
    { tags: Array.from({ length: 11 }, (_, index) => `t${index}`) },
    "INVALID_INPUT",
  ],
  ["a tag of 65 characters", contract.jobs.enqueue, { tags: ["x".repeat(65)] }, "INVALID_INPUT"],
  ["an id of 257 characters", contract.jobs.enqueue, { jobId: "x".repeat(257) }, "INVALID_INPUT"],
  ["a payload over 512 KB", contract.jobs.enqueue, { payload: "x".repeat(512 * 1024) }, "PAYLOAD_TOO_LARGE"],
  ["one key twice", contract.jobs.addBatch, { jobs: [{}, {}], idempotencyKeys: ["a", "a"] }, "INVALID_INPUT"],
  ["a key too few", contract.jobs.addBatch, { jobs: [{}, {}], idempotencyKeys: ["a"] }, "INVALID_INPUT"],
  ["1,001 jobs", contract.jobs.addBatch, { jobs: Array.from({ length: 1001 }, () => ({})) }, "INVALID_INPUT"],
  ["a wrong cursor", contract.queues.retryAll, { cursor: "bm9wZQ" }, "INVALID_INPUT"],
  ["a time that is none", contract.queues.retryAll, { from: "yesterday" }, "INVALID_INPUT"],
  ["a token that is too long", contract.queues.drain, { confirm_token: "x".repeat(513) }, "INVALID_INPUT"],
])("%s is refused", async (_, operation, input, code) => {
  const { name } = await createQueue();
  expect(await codeOf(perform(operation, { name, ...input }))).toBe(code);
});

test.each([
  contract.jobs.enqueue,
  contract.queues.stats,
  contract.queues.drain,
  contract.queues.retryAll,
  contract.queues.check,
  contract.dlq.list,
])("an unknown queue is QUEUE_NOT_FOUND: %#", async (operation) => {
  expect(await codeOf(perform(operation, { name: "nowhere" }))).toBe("QUEUE_NOT_FOUND");
});
