// Approvals and the loops: what is approved is delivered as it was shown, and what nobody decides ends in its time.

import { contract } from "@rotorsh/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import { must } from "../must.ts";
import { type Delivering, startDelivering } from "../testing/delivering.ts";
import { call, codeOf } from "../testing/index.ts";

let work: Delivering;
beforeAll(async () => {
  work = await startDelivering();
});
afterAll(() => work.stop());

const perform = <Op extends Parameters<typeof call>[2]>(operation: Op, input: object) =>
  call(work.rotor.engine, work.rotor.home.admin, operation, input as never);

const listOf = async (queue: string, status?: string) =>
  (await perform(contract.approvals.list, { queue, status, limit: 200 })).approvals;

test("an approved job is delivered at once, byte for byte what was shown; one that is not stays", async () => {
  const name = await work.queue({ approval_required: true });
  await work.add(name, { jobId: "yes", payload: { to: "ada", n: 1.5, text: 'é "x"' } });
  await work.add(name, { jobId: "no" });
  const shown = must((await listOf(name)).find(({ jobId }) => jobId === "yes"));
  await perform(contract.approvals.approve, { id: shown.id, payload_hash: shown.payload_hash });
  await expect.poll(() => work.states(name)).toEqual({ completed: 1, pending_approval: 1 });
  const visits = work.witness.visits.filter(({ queue }) => queue === name);
  expect(visits.map(({ id, body }) => [id, body.toString()])).toEqual([
    ["yes", JSON.stringify(shown.payload)],
  ]);
});

test("a scheduled job comes to the gate as its author's, who with four eyes may not let it pass", async () => {
  const { engine, home } = work.rotor;
  const author = await home.callerFor({ role: "developer", capabilities: ["approver"] });
  const name = await work.queue({ approval_required: true, four_eyes: true });
  const settings = { queue: name, cron: "0 0 1 1 *", timezone: "UTC", overlap: "skip", payload: { n: 1 } };
  const { id } = await call(engine, author, contract.schedules.create, settings as never);
  const fire = async () => {
    const { next_fire_at: due } = await perform(contract.schedules.get, { id });
    const [clock] = await work.rotor.sql`select rotor_now() as now`;
    const ms = Date.parse(due as string) - (must(clock).now as Date).getTime() + 1;
    await work.rotor.moveClock(`${ms} milliseconds`);
    await expect
      .poll(async () => (await perform(contract.schedules.get, { id })).next_fire_at, { timeout: 20_000 })
      .not.toBe(due);
  };
  await fire();
  const [waiting] = await listOf(name, "pending");
  expect(waiting?.requested_by).toMatchObject({ schedule_id: id, key_id: author.actorId });
  const own = call(engine, author, contract.approvals.approve, { id: must(waiting).id });
  expect(await codeOf(own)).toBe("FOUR_EYES");
  // What waits for a person is not finished.
  await fire();
  expect(await listOf(name)).toHaveLength(1);
  await perform(contract.approvals.approve, { id: must(waiting).id });
  await expect.poll(() => work.witness.ids(name)).toEqual([must(waiting).jobId]);
});

test("what nobody decided in time is rejected exactly once, whichever of three processes finds it", async () => {
  const peers = [await work.startPeer(), await work.startPeer()];
  const name = await work.queue({ approval_required: true, approval_timeout_seconds: 3600 });
  const never = await work.queue({ approval_required: true });
  await work.add(never);
  await work.addMany(
    name,
    Array.from({ length: 60 }, (_, n) => ({ jobId: `j${n}` })),
  );
  const [first, second] = await listOf(name);
  expect(Date.parse(must(must(first).expires_at))).toBe(Date.parse(must(first).createdAt) + 3_600_000);
  await perform(contract.approvals.approve, { id: must(first).id });
  await work.rotor.moveClock("61 minutes");
  await expect.poll(() => work.states(name), { timeout: 15_000 }).toEqual({ completed: 1, failed: 59 });
  expect(await codeOf(perform(contract.approvals.approve, { id: must(second).id }))).toBe("APPROVAL_DECIDED");
  const rejected = await listOf(name, "rejected");
  expect(rejected).toHaveLength(59);
  for (const { decided_by: by, job_state: state } of rejected) {
    expect([by?.key_id, state]).toEqual(["system", "failed"]);
  }
  expect(await work.job(name, must(second).jobId)).toMatchObject({
    ...{ reason: "rejected", fail_reason: "Nobody decided about it in time." },
  });
  const { stats } = await perform(contract.queues.get, { name });
  expect(stats).toMatchObject({ pending_approval: 0, waiting: 0, completed: 1, failed: 59 });
  expect(await work.states(never)).toEqual({ pending_approval: 1 });
  for (const peer of peers) await peer.close();
});

test("a decision that comes after the time is refused, even before anybody has noticed", async () => {
  const idle = await startDelivering({ workers: false });
  try {
    const { engine, home } = idle.rotor;
    const name = await idle.queue({ approval_required: true, approval_timeout: "1m" });
    await idle.add(name);
    const { approvals } = await call(engine, home.admin, contract.approvals.list, { queue: name });
    await idle.rotor.moveClock("61 seconds");
    const late = call(engine, home.admin, contract.approvals.approve, { id: must(approvals[0]).id });
    expect(await codeOf(late)).toBe("APPROVAL_DECIDED");
  } finally {
    await idle.stop();
  }
});

test("a process that dies right after a decision leaves nothing behind: another delivers the job", async () => {
  // It only answers requests, and nobody hears its wake-ups.
  const dying = await work.rotor.startPeer({ workers: false });
  const name = await work.queue({ approval_required: true });
  const id = await work.add(name);
  const approval = must((await listOf(name))[0]);
  await call(dying, work.rotor.home.admin, contract.approvals.approve, { id: approval.id });
  await dying.close();
  await expect.poll(() => work.witness.ids(name), { timeout: 15_000 }).toEqual([id]);
});
