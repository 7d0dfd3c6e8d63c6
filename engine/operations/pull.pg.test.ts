import { contract, type InputOf } from "@rotorsh/contract";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { call, codeOf, startTestEngine, type TestEngine } from "../testing/index.ts";

const { jobs, queues } = contract;
let rotor: TestEngine;
let name: string;
let made = 0;

beforeAll(async () => {
  rotor = await startTestEngine();
});
afterAll(() => rotor.stop());
beforeEach(async () => {
  name = `pull-${++made}`;
  await call(rotor.engine, rotor.home.admin, queues.create, { name, concurrency: 10 });
});

const ask = <Verb extends keyof typeof jobs>(verb: Verb, input: object) =>
  call(rotor.engine, rotor.home.admin, jobs[verb], { name, ...input } as InputOf<(typeof jobs)[Verb]>);
const enqueue = (input: object = {}) => ask("enqueue", { payload: { n: 1 }, ...input });
const claim = (input: object = {}) => ask("claim", input);
const get = (id: string) => ask("get", { id });

test("a claimed job carries its payload, and its end is kept with its result", async () => {
  const { id } = await enqueue({ payload: { to: "ada" }, tags: ["a"] });
  const { jobs: claimed, lease } = await claim({ want: 5 });
  expect(claimed).toEqual([
    { id, lease, payload: { to: "ada" }, attempt: 1, max_attempts: 3, generation: 1, tags: ["a"] },
  ]);
  const end = { id, lease, outcome: "completed", result: { ok: true } };
  expect(await ask("end", { ends: [end] })).toEqual({ accepted: [id], refused: [] });
  expect(await get(id)).toMatchObject({
    state: "completed",
    result: { ok: true },
    attempts: [{ attempt: 1 }],
  });
  expect(await ask("end", { ends: [end] })).toEqual({ accepted: [], refused: [id] });
});

test("a failed attempt is tried again after its backoff, a final one ends the job", async () => {
  const [one, two] = [await enqueue({ tags: ["x"] }), await enqueue()];
  const { lease } = await claim({ want: 2 });
  const failed = { lease, outcome: "failed", message: "no\u0000 luck\ud800" };
  await ask("end", {
    ends: [
      { ...failed, id: one.id, retry_after_seconds: 60 },
      { ...failed, id: two.id, final: true },
    ],
  });
  const delayed = await get(one.id);
  expect(delayed).toMatchObject({
    state: "delayed",
    reason: "worker_error",
    fail_reason: "no\ufffd luck\ufffd",
  });
  expect(Date.parse(delayed.due_at as string) - Date.now()).toBeGreaterThan(50_000);
  expect(await get(two.id)).toMatchObject({ state: "failed", attempts_made: 1 });
});

test("a result above 64 KB is not kept, and the job is completed all the same", async () => {
  const { id } = await enqueue();
  const { lease } = await claim();
  await ask("end", { ends: [{ id, lease, outcome: "completed", result: "x".repeat(65_536) }] });
  expect(await get(id)).toMatchObject({ state: "completed", result: null });
});

test("claims keep to the queue's concurrency, its keys and its rate", async () => {
  await ask("addBatch", { jobs: Array.from({ length: 12 }, () => ({})) });
  const counts = await Promise.all([claim({ want: 8 }), claim({ want: 8 })]);
  expect(counts.map((one) => one.jobs.length).toSorted()).toEqual([2, 8]);

  name = "keyed";
  await call(rotor.engine, rotor.home.admin, queues.create, { name, concurrency: 10 });
  const [first] = [await enqueue({ concurrencyKey: "k" }), await enqueue({ concurrencyKey: "k" })];
  const held = await claim({ want: 5 });
  expect(held.jobs.map(({ id }) => id)).toEqual([first?.id]);
  await ask("end", { ends: [{ id: first?.id, lease: held.lease, outcome: "completed" }] });
  expect((await claim({ want: 5 })).jobs).toHaveLength(1);

  name = "rated";
  const rate_limit = { max: 3, period_seconds: 3600 };
  await call(rotor.engine, rotor.home.admin, queues.create, { name, concurrency: 10, rate_limit });
  await ask("addBatch", { jobs: Array.from({ length: 5 }, () => ({})) });
  expect((await claim({ want: 5 })).jobs).toHaveLength(3);
});

test("a claim that waits is answered as soon as there is a job, and one waiter gets it", async () => {
  const waiting = [claim({ wait_seconds: 20 }), claim({ wait_seconds: 20 })];
  const { id } = await enqueue();
  const first = await Promise.race(waiting);
  expect(first.jobs.map((job) => job.id)).toEqual([id]);
  const second = await enqueue();
  const all = await Promise.all(waiting);
  expect(all.flatMap((one) => one.jobs.map((job) => job.id)).toSorted()).toEqual([id, second.id].toSorted());
});

test("a claim that waits hears of work that another process took in", async () => {
  const peer = await rotor.startPeer();
  const waiting = claim({ wait_seconds: 20 });
  await call(peer, rotor.home.admin, jobs.enqueue, { name });
  expect((await waiting).jobs).toHaveLength(1);
});

test("a claim that waits is answered with nothing when its time is over", async () => {
  expect((await claim({ wait_seconds: 0.01 })).jobs).toEqual([]);
});

test("a job claimed for a caller that has gone is given back and loses no attempt", async () => {
  const controller = new AbortController();
  const { engine, home } = rotor;
  const input = { name, wait_seconds: 20 };
  const waiting = engine.perform(home.admin, jobs.claim, input, { signal: controller.signal });
  controller.abort();
  expect((await waiting).body.jobs).toEqual([]);
  const { id } = await enqueue();
  const late = await engine.perform(home.admin, jobs.claim, input, { signal: controller.signal });
  expect(late.body.jobs).toEqual([]);
  expect(await get(id)).toMatchObject({ state: "waiting", attempts_made: 0 });
});

test("what is handed back waits again, gives up its key, and loses no attempt", async () => {
  const { id } = await enqueue({ concurrencyKey: "hand-back" });
  const { lease } = await claim();
  expect(await ask("handBack", { leases: [lease] })).toEqual({ handed_back: 1 });
  expect(await get(id)).toMatchObject({ state: "waiting", attempts_made: 0 });
  expect(await ask("handBack", { leases: [lease] })).toEqual({ handed_back: 0 });
  expect((await claim()).jobs).toMatchObject([{ id, attempt: 1 }]);
});

test("a lease that is renewed outlasts its first end, and one that is lost says so", async () => {
  const { id } = await enqueue();
  const { lease } = await claim({ lease_seconds: 30 });
  const other = { id: "nobody's", lease };
  const renewed = await ask("extend", { jobs: [{ id, lease }, other], lease_seconds: 300 });
  expect(renewed).toMatchObject({ extended: [id], lost: ["nobody's"] });
  const [row] =
    await rotor.sql`select lease_until - rotor_now() > interval '4 minutes' as later from job where id = ${id}`;
  expect(row).toEqual({ later: true });
});

test("the jobs of a queue with a callback are not there to be fetched", async () => {
  await call(rotor.engine, rotor.home.admin, queues.update, {
    name,
    callback_url: "https://app.example.com/",
  });
  await enqueue();
  expect(await codeOf(claim())).toBe("QUEUE_NOT_PULL");
  name = "nowhere";
  for (const verb of ["claim", "end", "extend", "handBack"] as const) {
    const held = { id: "a", lease: crypto.randomUUID() };
    const input = {
      end: { ends: [{ ...held, outcome: "completed" }] },
      extend: { jobs: [held] },
      handBack: { leases: [held.lease] },
      claim: {},
    };
    expect(await codeOf(ask(verb, input[verb]))).toBe("QUEUE_NOT_FOUND");
  }
});
