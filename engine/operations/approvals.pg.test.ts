// G-3: a job at the gate is decided once, by who may, about the payload that was shown; and there is no way around.

import { contract, type InputOf } from "@rotorsh/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Caller } from "../caller.ts";
import { must } from "../must.ts";
import { call, codeOf, startTestEngine, type TestEngine } from "../testing/index.ts";
import { claim, failure, queueUid, success, workOff } from "../testing/work.ts";

let rotor: TestEngine;
let developer: Caller;
let approver: Caller;

beforeAll(async () => {
  rotor = await startTestEngine();
  developer = await rotor.home.callerFor({ role: "developer" });
  approver = await rotor.home.callerFor({ role: "approver" });
});

afterAll(() => rotor.stop());

const as =
  (caller: Caller) =>
  <Op extends Parameters<typeof call>[2]>(operation: Op, input: InputOf<Op>) =>
    call(rotor.engine, caller, operation, input);

const perform: ReturnType<typeof as> = (operation, input) => as(rotor.home.admin)(operation, input);

let made = 0;
async function createGate(settings: object = {}) {
  const name = `gate-${++made}`;
  await perform(contract.queues.create, { name, concurrency: 100, approval_required: true, ...settings });
  return { name, uid: await queueUid(rotor.sql, rotor.home.id, name) };
}

const pendingOf = async (queue: string) =>
  (await perform(contract.approvals.list, { queue, status: "pending", limit: 200 })).approvals;

/** A job at a gate of its own, enqueued by the developer, and its approval. */
async function createPending(settings: object = {}, job: object = {}) {
  const { name, uid } = await createGate(settings);
  const { id } = await as(developer)(contract.jobs.enqueue, { name, payload: { to: "ada" }, ...job });
  const approval = must((await pendingOf(name))[0]);
  return { name, uid, jobId: id, approval, id: approval.id };
}

const jobOf = ({ name, jobId }: { name: string; jobId: string }) =>
  perform(contract.jobs.get, { name, id: jobId });

async function countsOf(name: string) {
  const { oldest_waiting_seconds: _, ...stats } = (await perform(contract.queues.get, { name })).stats;
  return Object.fromEntries(Object.entries(stats).filter(([, count]) => count !== 0));
}

test("a job of a gated queue waits with its payload shown, and nobody can claim it", async () => {
  const { name, uid, jobId, approval } = await createPending();
  expect(approval).toMatchObject({
    id: expect.stringMatching(/^apv_[0-9a-f]{32}$/),
    ...{ status: "pending", jobId, queueName: name, payload: { to: "ada" }, job_state: "pending_approval" },
    ...{ requested_by: { key_id: developer.actorId }, decided_by: null, expires_at: null, because: null },
  });
  expect(await perform(contract.approvals.get, { id: approval.id })).toEqual(approval);
  expect(await codeOf(perform(contract.approvals.get, { id: jobId }))).toBe("APPROVAL_NOT_FOUND");
  expect((await jobOf({ name, jobId })).approval_id).toBe(approval.id);
  expect(await claim(rotor.sql, uid)).toEqual([]);
  expect(await countsOf(name)).toEqual({ pending_approval: 1 });
});

test("approved, it goes on at once with exactly the payload that was shown, and who decided is kept", async () => {
  const { name, uid, jobId, id, approval } = await createPending();
  const decided = await as(approver)(contract.approvals.approve, {
    id,
    reason: "Fits.",
    payload_hash: must(approval.payload_hash),
  });
  expect(decided).toMatchObject({
    ...{ status: "approved", job_state: "waiting", reason: "Fits.", payload_hash: approval.payload_hash },
    decided_by: { key_id: approver.actorId, member_email: approver.memberEmail, surface: "rest" },
  });
  expect(await countsOf(name)).toEqual({ waiting: 1 });
  const [claimed] = await claim(rotor.sql, uid);
  expect(claimed).toMatchObject({ id: jobId, payload: JSON.stringify(approval.payload) });
  const { data } = await perform(contract.audit.list, { resource_id: id });
  expect(data).toMatchObject([
    {
      event_type: "approval.decided",
      actor_id: approver.actorId,
      metadata: { after: { status: "approved", reason: "Fits.", job_id: jobId, queue: name } },
    },
  ]);
});

test("rejected, it has failed for good: no retry, no replay, in bulk or alone", async () => {
  const gate = await createPending();
  const { name, id } = gate;
  await as(approver)(contract.approvals.reject, { id, reason: "Too pushy." });
  expect(await jobOf(gate)).toMatchObject({
    ...{ state: "failed", reason: "rejected", fail_reason: "Too pushy.", attempts_made: 0, approval_id: id },
    ended_at: expect.any(String),
  });
  expect(await codeOf(perform(contract.jobs.retry, { name, id: gate.jobId }))).toBe("JOB_STATE_CONFLICT");
  // Not even when the queue has no gate any more.
  await perform(contract.queues.update, { name, approval_required: false });
  expect(await codeOf(perform(contract.jobs.retry, { name, id: gate.jobId }))).toBe("JOB_STATE_CONFLICT");
  expect(await perform(contract.queues.retryAll, { name })).toMatchObject({ retried: 0 });
  expect((await perform(contract.queues.retryAll, { name, dry_run: true })).counts).toMatchObject({
    matching: 0,
  });
  expect(await perform(contract.dlq.replay, { name, all: true })).toMatchObject({ replayed: 0 });
  expect(await perform(contract.dlq.replay, { name, job_id: gate.jobId })).toMatchObject({
    ...{ replayed: 0, already_replayed: 0, not_failed: [gate.jobId] },
  });
  expect((await perform(contract.dlq.list, { name })).data).toMatchObject([{ reason: "rejected" }]);
  expect(await countsOf(name)).toEqual({ failed: 1 });
});

test("what was approved and failed is retried and replayed without asking again; what never was is asked", async () => {
  const gate = await createPending({ retry_attempts: 1 });
  const { name, uid } = gate;
  await perform(contract.approvals.approve, { id: gate.id });
  await workOff(rotor.sql, uid, () => failure());
  expect(await perform(contract.jobs.retry, { name, id: gate.jobId })).toMatchObject({ state: "waiting" });
  await workOff(rotor.sql, uid, () => failure());
  await perform(contract.dlq.replay, { name, all: true });
  expect(await jobOf({ name, jobId: `replay-${gate.jobId}` })).toMatchObject({
    ...{ state: "waiting", approval_id: gate.id },
  });

  const open = await createGate({ approval_required: false, retry_attempts: 1 });
  for (const jobId of ["a", "b"]) await perform(contract.jobs.enqueue, { name: open.name, jobId });
  await workOff(rotor.sql, open.uid, () => failure());
  await perform(contract.queues.update, { name: open.name, approval_required: true });
  expect(await perform(contract.jobs.retry, { name: open.name, id: "a" })).toMatchObject({
    state: "pending_approval",
  });
  await perform(contract.dlq.replay, { name: open.name, job_id: "b" });
  const waiting = await pendingOf(open.name);
  expect(waiting.map(({ jobId }) => jobId)).toEqual(["replay-b", "a"]);
  expect(await countsOf(open.name)).toEqual({ pending_approval: 2, failed: 1 });
});

test("of many who decide at the same time exactly one wins; the others are told what became of it", async () => {
  for (let round = 0; round < 5; round++) {
    const { name, id } = await createPending();
    const verbs = [contract.approvals.approve, contract.approvals.reject] as const;
    const codes = await Promise.all(
      Array.from({ length: 8 }, (_, index) => codeOf(perform(must(verbs[index % 2]), { id }))),
    );
    expect(codes.toSorted()).toEqual([...Array(7).fill("APPROVAL_DECIDED"), "ok"]);
    const { status, job_state: state } = await perform(contract.approvals.get, { id });
    expect(state).toBe(status === "approved" ? "waiting" : "failed");
    expect(await countsOf(name)).toEqual({ [must(state)]: 1 });
  }
});

test("a decision about another payload than the one looked at is refused", async () => {
  const { uid, id, approval } = await createPending();
  await rotor.sql`update job set payload = '{"to":"eve"}' where queue_uid = ${uid}`;
  const payload_hash = must(approval.payload_hash);
  for (const verb of ["approve", "reject"] as const) {
    expect(await codeOf(perform(contract.approvals[verb], { id, payload_hash }))).toBe("PAYLOAD_CHANGED");
  }
  const again = await perform(contract.approvals.get, { id });
  expect(again).toMatchObject({ status: "pending", payload: { to: "eve" } });
  await perform(contract.approvals.approve, { id, payload_hash: must(again.payload_hash) });
});

test("four eyes: neither the key that enqueued nor another of the same person approves; rejecting is allowed", async () => {
  const { home } = rotor;
  const token = await home.tokenFor({ role: "admin" });
  const provenance = developer.provenance;
  const asker = await rotor.engine.authenticate({ token }, provenance);
  const { key } = await as(asker)(contract.apiKeys.create, { label: "second", role: "admin" });
  const second = await rotor.engine.authenticate({ token: key }, provenance);
  expect(second.memberId).toBe(asker.memberId);

  const { name } = await createGate({ four_eyes: true });
  for (const jobId of ["a", "b", "c"]) await as(asker)(contract.jobs.enqueue, { name, jobId });
  const [c, b, a] = await pendingOf(name);
  const idOf = (approval: typeof a) => must(approval).id;
  expect(a?.four_eyes).toBe(true);
  expect(await codeOf(as(asker)(contract.approvals.approve, { id: idOf(a) }))).toBe("FOUR_EYES");
  expect(await codeOf(as(second)(contract.approvals.approve, { id: idOf(a) }))).toBe("FOUR_EYES");
  const bulk = await as(second)(contract.approvals.decide, {
    decisions: [
      { id: idOf(a), approved: true },
      { id: idOf(b), approved: false },
    ],
  });
  expect(bulk).toMatchObject({ decided: 1, results: [{ error: { code: "FOUR_EYES" } }, { error: null }] });
  expect(await codeOf(as(approver)(contract.approvals.approve, { id: idOf(a) }))).toBe("ok");
  const denied = async () =>
    (await perform(contract.audit.list, { event_type: "access.denied", actor_id: second.actorId })).data;
  await expect.poll(async () => (await denied()).length).toBe(2);
  // Without the rule the same person may.
  await as(approver)(contract.approvals.reject, { id: idOf(c) });
  const free = await createGate();
  await as(asker)(contract.jobs.enqueue, { name: free.name });
  expect(
    await codeOf(as(second)(contract.approvals.approve, { id: must((await pendingOf(free.name))[0]).id })),
  ).toBe("ok");
});

test("who may not approve can neither decide nor take the gate away", async () => {
  const { name, id } = await createPending({ four_eyes: true });
  for (const operation of [contract.approvals.approve, contract.approvals.reject]) {
    expect(await codeOf(as(developer)(operation, { id }))).toBe("FORBIDDEN");
  }
  const change = (caller: Caller, settings: object) =>
    codeOf(as(caller)(contract.queues.update, { name, ...settings }));
  expect(await change(developer, { approval_required: false })).toBe("FORBIDDEN");
  expect(await change(developer, { four_eyes: false })).toBe("FORBIDDEN");
  expect(await codeOf(as(developer)(contract.queues.upsert, { name, approval_required: false }))).toBe(
    "FORBIDDEN",
  );
  expect(await change(developer, { approval_required: true, concurrency: 7 })).toBe("ok");
  const both = await rotor.home.callerFor({ role: "developer", capabilities: ["approver"] });
  expect(await change(both, { approval_required: false, four_eyes: false })).toBe("ok");
  // What waits at the gate is still to be decided.
  expect(await pendingOf(name)).toHaveLength(1);
});

test("the wait that was asked for counts from the enqueue; priority is kept", async () => {
  const { name, uid } = await createGate();
  await perform(contract.jobs.addBatch, {
    name,
    jobs: [
      { jobId: "late", delay: "2h" },
      { jobId: "soon", delay: "1m" },
      { jobId: "low", priority: 9 },
      { jobId: "high", priority: 1 },
    ],
  });
  await rotor.moveClock("1 hour");
  const decisions = (await pendingOf(name)).map(({ id }) => ({ id, approved: true }));
  const { results } = await perform(contract.approvals.decide, { decisions });
  const states = Object.fromEntries(results.map(({ approval }) => [approval?.jobId, approval?.job_state]));
  expect(states).toEqual({ late: "delayed", soon: "waiting", low: "waiting", high: "waiting" });
  const order: string[] = [];
  for (const job of await claim(rotor.sql, uid, 1)) order.push(job.id);
  for (const job of await claim(rotor.sql, uid, 1)) order.push(job.id);
  for (const job of await claim(rotor.sql, uid, 1)) order.push(job.id);
  expect(order).toEqual(["soon", "high", "low"]);
  expect(await countsOf(name)).toEqual({ active: 3, delayed: 1 });
});

test("many are decided each by itself, and each leaves its own audit event", async () => {
  const { name } = await createGate();
  await perform(contract.jobs.addBatch, { name, jobs: Array.from({ length: 5 }, () => ({})) });
  const ids = (await pendingOf(name)).map(({ id }) => id);
  await perform(contract.approvals.approve, { id: must(ids[3]) });
  const unknown = `apv_${"0".repeat(32)}`;
  const answer = await as(approver)(contract.approvals.decide, {
    decisions: [
      { id: must(ids[0]), approved: true },
      { id: must(ids[3]), approved: true },
      { id: unknown, approved: true },
      { id: must(ids[1]), approved: false, reason: "No." },
      { id: must(ids[2]), approved: true, payload_hash: `sha256:${"0".repeat(64)}` },
    ],
  });
  expect(answer.decided).toBe(2);
  expect(
    answer.results.map(({ id, approval, error }) => [id, approval?.status ?? null, error?.code ?? null]),
  ).toEqual([
    [ids[0], "approved", null],
    [ids[3], "approved", "APPROVAL_DECIDED"],
    [unknown, null, "APPROVAL_NOT_FOUND"],
    [ids[1], "rejected", null],
    [ids[2], "pending", "PAYLOAD_CHANGED"],
  ]);
  expect(await countsOf(name)).toEqual({ pending_approval: 2, waiting: 2, failed: 1 });
  const { data } = await perform(contract.audit.list, {
    event_type: "approval.decided",
    actor_id: approver.actorId,
    limit: 2,
  });
  expect(data.map((event) => event.resource_id)).toEqual([ids[1], ids[0]]);
  expect(await perform(contract.audit.verify, {})).toMatchObject({ valid: true });
});

test("two who decide the same hundred in another order share them out between them", async () => {
  const { name } = await createGate();
  await perform(contract.jobs.addBatch, { name, jobs: Array.from({ length: 100 }, () => ({})) });
  const ids = (await pendingOf(name)).map(({ id }) => id);
  const decide = (caller: Caller, order: string[], approved: boolean) =>
    as(caller)(contract.approvals.decide, { decisions: order.map((id) => ({ id, approved })) });
  const [one, two] = await Promise.all([
    decide(approver, ids, true),
    decide(rotor.home.admin, ids.toReversed(), false),
  ]);
  expect(one.decided + two.decided).toBe(100);
  expect(Object.values(await countsOf(name)).reduce((sum, n) => sum + n, 0)).toBe(100);
});

test("a job that is cancelled or deleted at the gate takes its approval with it", async () => {
  const gate = await createPending();
  await perform(contract.jobs.cancel, { name: gate.name, id: gate.jobId });
  expect(await perform(contract.approvals.get, { id: gate.id })).toMatchObject({
    ...{ status: "cancelled", job_state: "cancelled", decided_by: null },
  });
  expect(await codeOf(perform(contract.approvals.approve, { id: gate.id }))).toBe("APPROVAL_DECIDED");
  const gone = await createPending();
  await perform(contract.queues.delete, { name: gone.name, with_jobs: true });
  expect(await codeOf(perform(contract.approvals.approve, { id: gone.id }))).toBe("APPROVAL_DECIDED");
  const { approvals } = await perform(contract.approvals.list, { status: "pending", limit: 200 });
  expect(approvals.map(({ id }) => id)).not.toContain(gone.id);
});

test("the list is walked page by page, by status and queue, and shows no payload beyond 16 KB", async () => {
  const { name } = await createGate();
  const jobs = Array.from({ length: 7 }, (_, n) => ({ jobId: `j${n}`, payload: { n } }));
  await perform(contract.jobs.addBatch, { name, jobs });
  const all = await pendingOf(name);
  await perform(contract.approvals.reject, { id: must(all[2]).id });
  const walk = async (filter: object) => {
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await perform(contract.approvals.list, {
        queue: name,
        limit: 2,
        ...filter,
        ...(cursor && { cursor }),
      });
      seen.push(...page.approvals.map(({ jobId }) => jobId));
      cursor = page.nextCursor ?? undefined;
    } while (cursor);
    return seen;
  };
  expect(await walk({})).toEqual(["j6", "j5", "j4", "j3", "j2", "j1", "j0"]);
  expect(await walk({ status: "pending" })).toEqual(["j6", "j5", "j3", "j2", "j1", "j0"]);
  expect(await walk({ status: "rejected" })).toEqual(["j4"]);
  expect(await walk({ status: "approved" })).toEqual([]);
  expect(await codeOf(perform(contract.approvals.list, { queue: "gaet" }))).toBe("QUEUE_NOT_FOUND");

  const large = await createPending({}, { payload: { text: "x".repeat(20_000) } });
  expect(large.approval).toMatchObject({ payload: null, payload_omitted: true, payload_bytes: 20_011 });
  const whole = await perform(contract.approvals.get, { id: large.id });
  expect(whole).toMatchObject({ payload: { text: "x".repeat(20_000) }, payload_omitted: false });
  expect(whole.payload_hash).toBe(large.approval.payload_hash);
});

test("four decisions of one idempotency key are one", async () => {
  const { id } = await createPending();
  const once = () => call(rotor.engine, approver, contract.approvals.approve, { id }, "decide-once");
  const first = await once();
  for (let again = 0; again < 3; again++) expect(await once()).toEqual(first);
});

test("explain says who may approve, until when, and what to call; and that a rejection is final", async () => {
  const gate = await createPending({ four_eyes: true, approval_timeout_seconds: 3600 });
  const explain = () => perform(contract.jobs.explain, { name: gate.name, id: gate.jobId });
  const waiting = await explain();
  expect(waiting.summary).toMatch(/admin or approver.*not whoever enqueued/);
  expect(waiting.causes).toMatchObject([{ code: "PENDING_APPROVAL", until: gate.approval.expires_at }]);
  expect(waiting.next[1]).toMatchObject({ tool: "approve_job", arguments: { id: gate.id } });
  await as(approver)(contract.approvals.reject, { id: gate.id });
  const rejected = await explain();
  expect(rejected.causes).toMatchObject([{ code: "REJECTED" }]);
  expect(rejected.next.map(({ operation }) => operation)).toEqual(["approvals.get", "jobs.enqueue"]);
});

test("who listens is told of what waits and of what was decided; a cancelled one is none of these", async () => {
  const home = await rotor.createWorkspace();
  const kinds = ["approval.pending", "approval.approved", "approval.rejected", "job.failed"];
  await rotor.sql`insert into lifecycle_listener select ${home.id}, kind from unnest(${rotor.sql.array(kinds)}::text[]) kind`;
  const mine = as(home.admin);
  await mine(contract.queues.create, { name: "q", approval_required: true });
  await mine(contract.jobs.addBatch, { name: "q", jobs: ["a", "b", "c"].map((jobId) => ({ jobId })) });
  const { approvals } = await mine(contract.approvals.list, {});
  const idOf = (job: string) => must(approvals.find(({ jobId }) => jobId === job)).id;
  await mine(contract.approvals.decide, {
    decisions: [
      { id: idOf("a"), approved: true },
      { id: idOf("b"), approved: false },
    ],
  });
  await mine(contract.jobs.cancel, { name: "q", id: "c" });
  const told = await rotor.sql`
    select kind, job_ids from lifecycle_event where workspace_id = ${home.id} order by id`;
  const said = told.map(({ kind, job_ids: ids }) => `${kind} ${ids}`);
  expect(said.slice(0, 3)).toEqual(["a", "b", "c"].map((id) => `approval.pending ${id}`));
  expect(said.slice(3).toSorted()).toEqual(["approval.approved a", "approval.rejected b", "job.failed b"]);
});

test("a job that something else wants a person to see waits like one of a gated queue", async () => {
  const { name, uid } = await createGate({ approval_required: false });
  await perform(contract.jobs.addBatch, {
    name,
    jobs: [{ jobId: "a" }, { jobId: "b", delay: 60 }, { jobId: "c" }],
  });
  const [row] = await rotor.sql`
    select hold_for_approval(${uid}, ${rotor.sql.array(["a", "b", "z"])}::text[], 'guardrail_unavailable') as n`;
  expect(row?.n).toBe(2);
  const waiting = await pendingOf(name);
  const because = Object.fromEntries(waiting.map((one) => [one.jobId, one.because]));
  expect(because).toEqual({ a: "guardrail_unavailable", b: "guardrail_unavailable" });
  expect(await countsOf(name)).toEqual({ waiting: 1, pending_approval: 2 });
  await perform(contract.approvals.approve, { id: must(waiting.find(({ jobId }) => jobId === "a")).id });
  expect(await jobOf({ name, jobId: "a" })).toMatchObject({ state: "waiting", reason: null });
  expect(await workOff(rotor.sql, uid, () => success)).toBe(2);
});
