// What goes when its time is over, what stays, and what is left of a deleted queue.

import { contract } from "@rotorsh/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Services } from "../handler.ts";
import { openServices } from "../services.ts";
import { foldFlow } from "../store/queue-numbers.ts";
import { call, startTestEngine, type TestEngine, type TestWorkspace, testOptions } from "../testing/index.ts";
import { claim, end, failure, queueUid, success, workOff } from "../testing/work.ts";
import { purge } from "./purge.ts";

let rotor: TestEngine;
let services: Services;
beforeAll(async () => {
  rotor = await startTestEngine();
  services = await openServices(testOptions(rotor.url));
});
afterAll(async () => {
  await services.outbound.close();
  await services.broker.close();
  await services.databases.close();
  await rotor.stop();
});

const performIn = <Op extends Parameters<typeof call>[2]>(
  home: TestWorkspace,
  operation: Op,
  input: object,
) => call(rotor.engine, home.admin, operation, input as never);

async function createQueue(home: TestWorkspace, name: string, jobs: object[] = [{}]) {
  await performIn(home, contract.queues.create, { name, concurrency: 1000 });
  const uid = await queueUid(rotor.sql, home.id, name);
  for (let from = 0; from < jobs.length; from += 1000) {
    await performIn(home, contract.jobs.addBatch, { name, jobs: jobs.slice(from, from + 1000) });
  }
  return { name, uid };
}

const tables = ["job", "job_tag", "job_attempt", "queue_flow", "queue_total", "queue_minute", "queue_load"];

async function rowsOf(uid: number): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const table of tables) {
    const [row] =
      await rotor.sql`select count(*)::int as n from ${rotor.sql(table)} where queue_uid = ${uid}`;
    if (row?.n > 0) counts[table] = row?.n;
  }
  return counts;
}

test("ended jobs go when their workspace's days are over, more than a batch of them, with what belongs to them", async () => {
  const [free, pro] = [await rotor.createWorkspace("free"), await rotor.createWorkspace("pro")];
  const jobs = Array.from({ length: 2300 }, (_, index) => ({ jobId: `j${index}`, tags: ["t"] }));
  const [short, long] = [await createQueue(free, "q", jobs), await createQueue(pro, "q", [{}])];
  await workOff(rotor.sql, short.uid, ({ id }) => (id === "j7" ? failure() : success));
  await workOff(rotor.sql, long.uid, () => success);
  await performIn(free, contract.jobs.enqueue, { name: "q", jobId: "open" });
  await rotor.moveClock("6 days");
  await performIn(free, contract.jobs.enqueue, { name: "q", jobId: "recent" });
  await purge(services);
  expect((await rowsOf(short.uid)).job).toBe(2302);
  await rotor.moveClock("25 hours");
  await purge(services);
  expect((await performIn(free, contract.jobs.list, { name: "q" })).data.map(({ id }) => id)).toEqual([
    "recent",
    "open",
  ]);
  const { job_tag, job_attempt } = await rowsOf(short.uid);
  expect([job_tag, job_attempt]).toEqual([undefined, undefined]);
  expect(await performIn(free, contract.queues.stats, { name: "q" })).toMatchObject({
    waiting: 2,
    completed: 0,
    failed: 0,
  });
  expect((await rowsOf(long.uid)).job).toBe(1);
  await rotor.moveClock("24 days");
  await purge(services);
  expect((await rowsOf(long.uid)).job).toBeUndefined();
});

test("a job that was made long ago and ended now stays, and does not keep younger ones", async () => {
  const home = await rotor.createWorkspace("free");
  const { name, uid } = await createQueue(home, "q", [{ jobId: "slow" }]);
  const [slow] = await claim(rotor.sql, uid, 1, 2_000_000_000);
  await performIn(home, contract.jobs.enqueue, { name, jobId: "quick" });
  await workOff(rotor.sql, uid, () => success);
  await rotor.moveClock("8 days");
  await end(rotor.sql, uid, slow ? [slow] : [], () => success);
  await purge(services);
  expect((await performIn(home, contract.jobs.list, { name })).data.map(({ id }) => id)).toEqual(["slow"]);
});

test("of a deleted queue nothing stays, whatever its jobs were at", async () => {
  const { home } = rotor;
  const jobs = Array.from({ length: 1500 }, (_, index) => ({ tags: ["t"], ...(index % 2 && { delay: 60 }) }));
  const { name, uid } = await createQueue(home, "gone", jobs);
  await end(rotor.sql, uid, await claim(rotor.sql, uid, 50), () => failure());
  await foldFlow(rotor.sql);
  await performIn(home, contract.queues.delete, { name, with_jobs: true });
  await purge(services);
  expect((await rowsOf(uid)).job).toBeUndefined();
  // A statement that began before the deletion may still add to it; so the rest goes later.
  expect(await rotor.sql`select from queue_gone where queue_uid = ${uid}`).toHaveLength(1);
  await rotor.moveClock("11 minutes");
  await foldFlow(rotor.sql);
  await purge(services);
  expect(await rowsOf(uid)).toEqual({});
  expect(await rotor.sql`select from queue_gone where queue_uid = ${uid}`).toHaveLength(0);
});

test("a delivery under way when its queue is deleted ends into nothing, and gives its key back", async () => {
  const { home } = rotor;
  const { name, uid } = await createQueue(home, "busy", [
    { jobId: "a", concurrencyKey: "k" },
    { jobId: "b" },
  ]);
  const other = await createQueue(home, "other", [{ jobId: "next", concurrencyKey: "k" }]);
  const active = await claim(rotor.sql, uid);
  expect(await claim(rotor.sql, other.uid)).toEqual([]);
  await performIn(home, contract.queues.delete, { name, with_jobs: true });
  await purge(services);
  // Still at work: another with its key must not start.
  expect(await claim(rotor.sql, other.uid)).toEqual([]);
  expect(await end(rotor.sql, uid, active, () => success)).toEqual([]);
  expect((await rowsOf(uid)).job_attempt).toBeUndefined();
  expect((await claim(rotor.sql, other.uid)).map(({ id }) => id)).toEqual(["next"]);
});

test("a key whose holder was lost with its queue is free when the lease is over", async () => {
  const { home } = rotor;
  const { name, uid } = await createQueue(home, "lost", [{ concurrencyKey: "l" }]);
  const other = await createQueue(home, "heir", [{ jobId: "next", concurrencyKey: "l" }]);
  await claim(rotor.sql, uid);
  await claim(rotor.sql, other.uid);
  await performIn(home, contract.queues.delete, { name, with_jobs: true });
  await rotor.moveClock("2 minutes");
  await purge(services);
  expect((await claim(rotor.sql, other.uid)).map(({ id }) => id)).toEqual(["next"]);
});

test("the queues of a deleted workspace go, with their jobs", async () => {
  const home = await rotor.createWorkspace();
  const { uid } = await createQueue(home, "q", [{}, {}]);
  await call(rotor.engine, rotor.operator, contract.admin.deleteWorkspace, { id: home.id });
  await purge(services);
  await rotor.moveClock("11 minutes");
  await purge(services);
  expect(await rowsOf(uid)).toEqual({});
  expect(await rotor.sql`select from queue where workspace_id = ${home.id}`).toHaveLength(0);
});

test("replays that ended and minutes go in their time", async () => {
  const home = await rotor.createWorkspace("free");
  const { name, uid } = await createQueue(home, "q", [{}]);
  await workOff(rotor.sql, uid, () => failure());
  const { replay } = await performIn(home, contract.dlq.replay, { name, all: true, canary: true });
  const id = replay?.id as string;
  await rotor.sql`insert into replay_job (replay_id, workspace_id, job_id) values (${id}, ${home.id}, 'x')`;
  await foldFlow(rotor.sql);
  await performIn(home, contract.dlq.stopReplay, { name, id });
  await purge(services);
  expect(await rotor.sql`select from replay where id = ${id}`).toHaveLength(1);
  expect((await rowsOf(uid)).queue_minute).toBe(1);
  await rotor.moveClock("8 days");
  await purge(services);
  expect(await rotor.sql`select from replay where id = ${id}`).toHaveLength(0);
  expect(await rotor.sql`select from replay_job where replay_id = ${id}`).toHaveLength(0);
  expect((await rowsOf(uid)).queue_minute).toBeUndefined();
});

test("decided approvals are kept as long as jobs are, pending ones for ever", async () => {
  const home = await rotor.createWorkspace("free");
  await performIn(home, contract.queues.create, { name: "gate", approval_required: true });
  for (const jobId of ["a", "b"]) await performIn(home, contract.jobs.enqueue, { name: "gate", jobId });
  const list = async () => (await performIn(home, contract.approvals.list, {})).approvals;
  const [b] = await list();
  await performIn(home, contract.approvals.reject, { id: b?.id as string });
  const kept = async () => (await list()).map(({ jobId, status }) => `${jobId} ${status}`);
  await rotor.moveClock("6 days");
  await purge(services);
  expect(await kept()).toEqual(["b rejected", "a pending"]);
  await rotor.moveClock("2 days");
  await purge(services);
  expect(await kept()).toEqual(["a pending"]);
});

test("a queue with very much to remove does not keep the others waiting", async () => {
  const free = await rotor.createWorkspace("free");
  const many = await createQueue(free, "many", Array(3000).fill({}));
  const few = await createQueue(free, "few");
  const gone = await createQueue(free, "gone");
  for (const { uid } of [many, few, gone]) await workOff(rotor.sql, uid, () => success);
  await performIn(free, contract.queues.delete, { name: "gone" });
  await rotor.moveClock("8 days");
  // As many as there are kinds of rows, two queues of ended jobs, and a deleted one.
  await purge(services, 12);
  expect((await rowsOf(many.uid)).job).toBe(2000);
  expect([(await rowsOf(few.uid)).job, (await rowsOf(gone.uid)).job]).toEqual([undefined, undefined]);
  await purge(services);
  expect((await rowsOf(many.uid)).job).toBeUndefined();
});
