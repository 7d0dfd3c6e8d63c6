// What happens to jobs is told where it happens: in the same transaction, once, and only to those who listen.

import { contract } from "@rotorsh/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import { call, startTestEngine, type TestEngine } from "../testing/index.ts";
import { claim, end, failure, queueUid, success } from "../testing/work.ts";

let rotor: TestEngine;

beforeAll(async () => {
  rotor = await startTestEngine();
});

afterAll(() => rotor.stop());

async function prepare(name: string, listenTo: readonly string[]) {
  const { engine, home, sql } = rotor;
  await call(engine, home.admin, contract.queues.create, { name, concurrency: 10 });
  await sql`insert into lifecycle_listener select ${home.id}, kind from unnest(${sql.array([...listenTo])}::text[]) kind
    on conflict do nothing`;
  const jobs = Array.from({ length: 3 }, () => ({}));
  await call(engine, home.admin, contract.jobs.addBatch, { name, jobs });
  return queueUid(sql, home.id, name);
}

const told = async (uid: number) => {
  const rows =
    await rotor.sql`select kind, job_ids from lifecycle_event where queue_uid = ${uid} order by id`;
  return rows.map(({ kind, job_ids: ids }) => ({ kind, ids }));
};

test("without a listener nothing is written", async () => {
  const uid = await prepare("silent", []);
  const jobs = await claim(rotor.sql, uid);
  await end(rotor.sql, uid, jobs, () => success);
  expect(await told(uid)).toEqual([]);
});

test("completed, failed, stalled and drained are told once each, with the jobs they are about", async () => {
  const uid = await prepare("heard", ["job.completed", "job.failed", "job.stalled", "queue.drained"]);
  const jobs = await claim(rotor.sql, uid);
  const [good, bad, lost] = jobs.map(({ id }) => id) as [string, string, string];
  const endings = { [good]: success, [bad]: failure(), [lost]: failure("stalled", "The worker was lost.") };
  await end(rotor.sql, uid, jobs, ({ id }) => endings[id] as typeof success);
  // A second end of the same attempts is refused, and so tells nothing.
  await end(rotor.sql, uid, jobs, () => success);
  expect(await told(uid)).toEqual([
    { kind: "queue.drained", ids: [] },
    { kind: "job.completed", ids: [good] },
    { kind: "job.failed", ids: expect.arrayContaining([bad, lost]) },
    { kind: "job.stalled", ids: [lost] },
  ]);
});
