// Who wrote a payload counts as much as who sent it, and what was approved is what is sent.

import { contract, type InputOf } from "@rotorsh/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Caller } from "../caller.ts";
import { must } from "../must.ts";
import { type Delivering, startDelivering } from "../testing/delivering.ts";
import { call, codeOf } from "../testing/index.ts";

let d: Delivering;
let ada: Caller;
let bob: Caller;
let eve: Caller;
beforeAll(async () => {
  d = await startDelivering();
  const admin = () => d.rotor.home.callerFor({ role: "admin" });
  [ada, bob, eve] = [await admin(), await admin(), await admin()];
});
afterAll(() => d.stop());

const as =
  (caller: Caller) =>
  <Op extends Parameters<typeof call>[2]>(operation: Op, input: InputOf<Op>) =>
    call(d.rotor.engine, caller, operation, input);

async function pendingOf(queue: string) {
  const { approvals } = await as(eve)(contract.approvals.list, { queue, status: "pending" });
  return must(approvals[0]);
}

/** What becomes of each of them when they approve, in this order. */
async function approvedBy(id: string, ...callers: Caller[]): Promise<string[]> {
  const codes: string[] = [];
  for (const caller of callers) codes.push(await codeOf(as(caller)(contract.approvals.approve, { id })));
  return codes;
}

test("what one wrote and another fired by hand is approved by neither", async () => {
  const name = await d.queue({ approval_required: true, four_eyes: true });
  const rule = { queue: name, name, cron: "@yearly", timezone: "UTC", payload: { to: "ada" } };
  await as(ada)(contract.schedules.create, rule);
  await as(bob)(contract.schedules.fireNow, { id: name });
  const { id, requested_by } = await pendingOf(name);
  expect(requested_by).toMatchObject({ key_id: bob.actorId, author_key_id: ada.actorId });
  expect(await approvedBy(id, ada, bob, eve)).toEqual(["FOUR_EYES", "FOUR_EYES", "ok"]);
});

test("what one wrote and another replayed is approved by neither, however often it was replayed", async () => {
  const name = await d.queue({ callback_url: null });
  await as(ada)(contract.jobs.enqueue, { name, jobId: "j", attempts: 1 });
  const fail = async () => {
    const [job] = (await as(eve)(contract.jobs.claim, { name })).jobs;
    const end = {
      id: must(job).id,
      lease: must(job).lease as string,
      outcome: "failed",
      final: true,
    } as const;
    await as(eve)(contract.jobs.end, { name, ends: [end] });
  };
  await fail();
  await as(eve)(contract.dlq.replay, { name, job_ids: ["j"] });
  await fail();
  await d.change(name, { approval_required: true, four_eyes: true });
  await as(bob)(contract.dlq.replay, { name, job_ids: ["replay-j"] });
  const { id } = await pendingOf(name);
  expect(await approvedBy(id, ada, bob, eve)).toEqual(["FOUR_EYES", "FOUR_EYES", "ok"]);
});

test("a payload that is another than was approved is not sent: a person is asked about it", async () => {
  const name = await d.queue({ approval_required: true });
  const uid = await d.uidOf(name);
  const { id: job } = await as(ada)(contract.jobs.enqueue, {
    name,
    payload: { amount: 1 },
    concurrencyKey: "one",
  });
  await as(bob)(contract.queues.pause, { name });
  await as(bob)(contract.approvals.approve, { id: (await pendingOf(name)).id });
  await d.rotor.sql`update job set payload = '{"amount":1000}' where queue_uid = ${uid} and id = ${job}`;
  await as(bob)(contract.queues.resume, { name });
  await expect.poll(async () => (await d.job(name, job)).state, { timeout: 15_000 }).toBe("pending_approval");
  expect(await d.job(name, job)).toMatchObject({ attempts_made: 0, attempts: [] });
  const again = await pendingOf(name);
  expect(again).toMatchObject({ because: "payload_changed", payload: { amount: 1000 } });
  expect(d.witness.visits.filter(({ id }) => id === job)).toEqual([]);
  await as(bob)(contract.approvals.approve, { id: again.id });
  await expect.poll(async () => (await d.job(name, job)).state, { timeout: 15_000 }).toBe("completed");
  expect(d.witness.visits.filter(({ id }) => id === job)).toHaveLength(1);
});
