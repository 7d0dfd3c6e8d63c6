// The way in: what is answered is stored (I1), a bad neighbour harms nobody, and the same job is taken once.

import { contract, type JobState } from "@rotorsh/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Caller } from "./caller.ts";
import { nextState } from "./core/job.ts";
import type { Engine } from "./engine.ts";
import { createIntake } from "./intake.ts";
import type { NewJob } from "./store/job-intake.ts";
import { call, codeOf, startTestEngine, type TestEngine } from "./testing/index.ts";

let rotor: TestEngine;
let peer: Engine;

beforeAll(async () => {
  rotor = await startTestEngine();
  peer = await rotor.startPeer();
  await call(rotor.engine, rotor.home.admin, contract.queues.create, { name: "q" });
});

afterAll(() => rotor.stop());

type Sent = Omit<Parameters<typeof call<typeof contract.jobs.enqueue>>[3], "name">;
const enqueue = (sent: Sent, key?: string, name = "q") =>
  call(rotor.engine, rotor.home.admin, contract.jobs.enqueue, { name, ...sent }, key);

async function count(ids: readonly string[]): Promise<number> {
  const [row] = await rotor.sql`select count(*)::int as n from job where id = any(${ids})`;
  return row?.n as number;
}

function newJob(id: string, changed: Partial<NewJob> = {}): NewJob {
  return {
    ...{ workspaceId: rotor.home.id, queueName: "q", id, payload: "{}", delayMs: 0, priority: 0, tags: [] },
    ...{ concurrencyKey: null, attempts: null, backoff: null, provenance: "{}", guard: null },
    ...changed,
  };
}

/** Of requests that share statements; none of them needs a transaction. */
const openIntake = () =>
  createIntake({ sql: rotor.sql, transaction: () => Promise.reject(new Error("not here")) }, () => {});

const free = { quota: null, plan: "unlimited", access: null } as const;

test("I1: of requests that share a commit, one that the database refuses fails alone", async () => {
  const intake = openIntake();
  const jobs = Array.from({ length: 40 }, (_, index) => newJob(`neighbour-${index}`));
  // What no surface lets through, so that only the database refuses it.
  jobs[7] = newJob("neighbour-7", { backoff: "not JSON" });
  jobs[21] = newJob("neighbour-21", { queueName: "deleted" });
  const taken = await Promise.allSettled(jobs.map((job) => intake({ ...free, jobs: [job] })));
  const kinds = taken.map((one) => (one.status === "fulfilled" ? one.value[0]?.kind : "failed"));
  expect(kinds.filter((kind) => kind === "stored")).toHaveLength(38);
  expect([kinds[7], kinds[21]]).toEqual(["failed", "no queue"]);
  expect(await count(jobs.map(({ id }) => id))).toBe(38);
});

test("a batch that the database refuses leaves nothing of itself behind", async () => {
  const intake = openIntake();
  const batch = [newJob("whole-1"), newJob("whole-2", { backoff: "not JSON" })];
  const neighbour = intake({ ...free, jobs: [newJob("whole-3")] });
  await expect(intake({ ...free, jobs: batch })).rejects.toThrow();
  expect(await neighbour).toMatchObject([{ kind: "stored" }]);
  expect(await count(["whole-1", "whole-2"])).toBe(0);
});

async function limited(executions: number): Promise<{ id: string; caller: Caller }> {
  const home = await rotor.createWorkspace("pro");
  const input = { id: home.id, executions_per_month: executions };
  await call(rotor.engine, rotor.operator, contract.admin.updateWorkspace, input);
  await call(rotor.engine, home.admin, contract.queues.create, { name: "q" });
  // Who comes in from now on knows the new limit.
  return { id: home.id, caller: await home.callerFor() };
}

test("a quota is taken by whole batches, exactly, from two processes at once", async () => {
  const home = await limited(100);
  const batch = { name: "q", jobs: Array.from({ length: 7 }, () => ({})) };
  const codes = await Promise.all(
    Array.from({ length: 30 }, (_, index) =>
      codeOf(call(index % 2 ? peer : rotor.engine, home.caller, contract.jobs.addBatch, batch)),
    ),
  );
  expect(codes.filter((code) => code === "ok")).toHaveLength(14);
  expect(new Set(codes)).toEqual(new Set(["ok", "QUOTA_EXCEEDED"]));
  const rows = await rotor.sql`select count(*)::int as n from job where workspace_id = ${home.id}`;
  expect(rows[0]?.n).toBe(98);
  const rest = { name: "q", jobs: [{}, {}] };
  expect(await codeOf(call(rotor.engine, home.caller, contract.jobs.addBatch, rest))).toBe("ok");
});

test("a job that is there already costs no quota", async () => {
  const home = await limited(1);
  const add = (jobId: string) => call(rotor.engine, home.caller, contract.jobs.enqueue, { name: "q", jobId });
  expect(await add("same")).not.toHaveProperty("duplicate");
  expect(await add("same")).toMatchObject({ id: "same", duplicate: true });
  expect(await codeOf(add("other"))).toBe("QUOTA_EXCEEDED");
});

test("a second job with an id is the first one again; with strict it is refused", async () => {
  expect(await enqueue({ jobId: "twice", payload: { n: 1 } })).not.toHaveProperty("duplicate");
  expect(await enqueue({ idempotencyKey: "twice", payload: { n: 2 } })).toMatchObject({ duplicate: true });
  expect(await codeOf(enqueue({ jobId: "twice", strict: true }))).toBe("IDEMPOTENCY_CONFLICT");
  expect(await codeOf(enqueue({ jobId: "a", idempotencyKey: "b" }))).toBe("INVALID_INPUT");
  const job = await call(rotor.engine, rotor.home.admin, contract.jobs.get, { name: "q", id: "twice" });
  expect(job.payload).toEqual({ n: 1 });
});

test("of the same id sent many times at once through two processes, one is the job", async () => {
  const answers = await Promise.all(
    Array.from({ length: 40 }, (_, index) =>
      call(index % 2 ? peer : rotor.engine, rotor.home.admin, contract.jobs.enqueue, {
        name: "q",
        jobId: "at-once",
      }),
    ),
  );
  expect(answers.filter(({ duplicate }) => !duplicate)).toHaveLength(1);
  expect(await count(["at-once"])).toBe(1);
});

test("the Idempotency-Key header makes a request one job, and another body with it is refused", async () => {
  const first = await enqueue({ payload: { n: 1 } }, "header-1");
  expect(await enqueue({ payload: { n: 1 } }, "header-1")).toMatchObject({ id: first.id, duplicate: true });
  expect(await codeOf(enqueue({ payload: { n: 2 } }, "header-1"))).toBe("IDEMPOTENCY_KEY_REUSED");
  expect((await enqueue({ payload: { n: 1 } }, "header-2")).id).not.toBe(first.id);
});

test("idempotencyKeys name the jobs of a batch one by one", async () => {
  const send = (jobs: object[], idempotencyKeys: string[]) =>
    call(rotor.engine, rotor.home.admin, contract.jobs.addBatch, { name: "q", jobs, idempotencyKeys });
  const { jobs } = await send([{}, {}], ["one", "two"]);
  expect(jobs.map(({ id }) => id)).toEqual(["one", "two"]);
  const again = await send([{}, {}], ["two", "three"]);
  expect(again.jobs.map(({ duplicate = false }) => duplicate)).toEqual([true, false]);
  expect(await codeOf(send([{}, {}], ["four"]))).toBe("INVALID_INPUT");
  expect(await codeOf(send([{}, {}], ["five", "five"]))).toBe("INVALID_INPUT");
  expect(await codeOf(send([{ jobId: "x" }], ["six"]))).toBe("INVALID_INPUT");
});

test("the same id twice in one batch is one job", async () => {
  const input = { name: "q", jobs: [{ jobId: "pair" }, { jobId: "pair" }] };
  const { jobs } = await call(rotor.engine, rotor.home.admin, contract.jobs.addBatch, input);
  expect(jobs.map(({ duplicate = false }) => duplicate)).toEqual([false, true]);
  expect(await count(["pair"])).toBe(1);
});

test("a strict batch in which one id is taken stores none of its jobs", async () => {
  await enqueue({ jobId: "taken" });
  const jobs = [
    { jobId: "fresh", strict: true },
    { jobId: "taken", strict: true },
  ];
  const batch = call(rotor.engine, rotor.home.admin, contract.jobs.addBatch, { name: "q", jobs });
  expect(await codeOf(batch)).toBe("IDEMPOTENCY_CONFLICT");
  expect(await count(["fresh"])).toBe(0);
});

test("a strict request that is repeated, for its answer was lost, is no conflict with itself", async () => {
  const first = await enqueue({ jobId: "strict-once", strict: true }, "lost-answer");
  const again = await enqueue({ jobId: "strict-once", strict: true }, "lost-answer");
  expect(again).toEqual({ ...first, duplicate: true });
  const other = enqueue({ jobId: "strict-once", strict: true }, "another-request");
  expect(await codeOf(other)).toBe("IDEMPOTENCY_CONFLICT");
  const add = (key: string) => {
    const jobs = [{ jobId: "strict-1", strict: true }, { jobId: "strict-2" }];
    return call(rotor.engine, rotor.home.admin, contract.jobs.addBatch, { name: "q", jobs }, key);
  };
  await add("lost-batch");
  expect((await add("lost-batch")).jobs.every(({ duplicate }) => duplicate)).toBe(true);
  expect(await codeOf(add("another-batch"))).toBe("IDEMPOTENCY_CONFLICT");
});

test("a payload of null is delivered as null, and none as {}", async () => {
  const read = async (id: string) =>
    (await call(rotor.engine, rotor.home.admin, contract.jobs.get, { name: "q", id })).payload;
  const [nothing, none] = [await enqueue({ payload: null }), await enqueue({})];
  expect([await read(nothing.id), await read(none.id)]).toEqual([null, {}]);
});

test("in a batch only the jobs that ask for it are strict", async () => {
  await enqueue({ jobId: "lenient" });
  const add = (jobs: Sent[]) =>
    call(rotor.engine, rotor.home.admin, contract.jobs.addBatch, { name: "q", jobs });
  const { jobs } = await add([{ jobId: "lenient" }, { jobId: "new-and-strict", strict: true }]);
  expect(jobs.map(({ duplicate = false }) => duplicate)).toEqual([true, false]);
  expect(await codeOf(add([{ jobId: "another" }, { jobId: "new-and-strict", strict: true }]))).toBe(
    "IDEMPOTENCY_CONFLICT",
  );
  expect(await count(["another"])).toBe(0);
});

test("an Idempotency-Key belongs to its queue", async () => {
  await call(rotor.engine, rotor.home.admin, contract.queues.create, { name: "other" });
  const first = await enqueue({ payload: { n: 1 } }, "per-queue");
  const second = await enqueue({ payload: { n: 2 } }, "per-queue", "other");
  expect(second).not.toHaveProperty("duplicate");
  expect(second.id).not.toBe(first.id);
});

test("a batch sent again under its key with other jobs is refused, and adds none of them", async () => {
  const add = (ns: number[]) =>
    call(
      rotor.engine,
      rotor.home.admin,
      contract.jobs.addBatch,
      { name: "q", jobs: ns.map((n) => ({ payload: { n }, tags: ["keyed-batch"] })) },
      "batch-key",
    );
  await add([1, 2]);
  expect((await add([1, 2])).jobs.every(({ duplicate }) => duplicate)).toBe(true);
  expect(await codeOf(add([1, 3, 4]))).toBe("IDEMPOTENCY_KEY_REUSED");
  const [row] = await rotor.sql`select count(*)::int as n from job where tags = '{keyed-batch}'`;
  expect(row?.n).toBe(2);
});

test("a job's own id is not the header's: sent again with another payload it is the first one", async () => {
  await enqueue({ idempotencyKey: "own-id", payload: { n: 1 } }, "header-a");
  expect(await enqueue({ idempotencyKey: "own-id", payload: { n: 2 } }, "header-b")).toMatchObject({
    id: "own-id",
    duplicate: true,
  });
});

test("a job that is removed while its duplicate is sent is stored anew, and no queue is missed", async () => {
  const intake = openIntake();
  const ids = Array.from({ length: 50 }, (_, index) => `flicker-${index}`);
  let stop = false;
  const removing = (async () => {
    while (!stop) await rotor.sql`delete from job where id = any(${ids})`;
  })();
  const kinds = new Set<string>();
  try {
    for (let round = 0; round < 200; round++) {
      const taken = await intake({ ...free, jobs: ids.map((id) => newJob(id)) });
      for (const { kind } of taken) kinds.add(kind);
    }
  } finally {
    stop = true;
    await removing;
  }
  expect([...kinds]).toEqual(["stored"]);
});

test.each<[string, Sent, boolean, JobState, JobState]>([
  ["at once", {}, false, "waiting", "active"],
  ["later", { delay: 60 }, false, "delayed", "waiting"],
  ["after a person's yes", {}, true, "pending_approval", "waiting"],
  ["later, after a person's yes", { delay: 60 }, true, "pending_approval", "waiting"],
])(
  "a job to be done %s is stored in a state the rules lead on from",
  async (_, sent, approval, state, next) => {
    const name = `state-${approval}-${sent.delay ?? 0}`;
    const input = { name, approval_required: approval };
    await call(rotor.engine, rotor.home.admin, contract.queues.create, input);
    expect((await enqueue(sent, undefined, name)).state).toBe(state);
    const onward = { waiting: "claimed", delayed: "due", pending_approval: "approved" } as const;
    expect(nextState(state, { type: onward[state as "waiting"] })).toBe(next);
  },
);

test("batches with the same ids in another order get in one another's way, and fail nobody", async () => {
  const ids = Array.from({ length: 500 }, (_, index) => `crossing-${index}`);
  const intake = openIntake();
  const other = openIntake();
  for (let round = 0; round < 4; round++) {
    const jobs = ids.map((id) => newJob(`${id}-${round}`));
    const taken = await Promise.all([
      intake({ ...free, jobs }),
      other({ ...free, jobs: jobs.toReversed() }),
      intake({ ...free, jobs: [newJob(`bystander-${round}`)] }),
    ]);
    expect(taken.flat().every(({ kind }) => kind === "stored")).toBe(true);
  }
});

test("ids and delays that no database can hold are refused by name", async () => {
  expect(await codeOf(enqueue({ jobId: "half\ud800" }))).toBe("INVALID_INPUT");
  expect(await codeOf(enqueue({ delay: "999999999w" }))).toBe("INVALID_INPUT");
  expect(await codeOf(enqueue({ delay: "366d" }))).toBe("INVALID_INPUT");
  expect(await enqueue({ delay: "52w1d" })).toMatchObject({ state: "delayed" });
});
