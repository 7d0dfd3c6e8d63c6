// Dead letters: seeing them, and sending them again once.

import { contract } from "@rotorsh/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Services } from "../handler.ts";
import { must } from "../must.ts";
import { openServices } from "../services.ts";
import { call, codeOf, startTestEngine, type TestEngine, testOptions } from "../testing/index.ts";
import { failure, queueUid, success, workOff } from "../testing/work.ts";
import { advanceReplays } from "../workers/replays.ts";

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

const perform = <Op extends Parameters<typeof call>[2]>(operation: Op, input: object) =>
  call(rotor.engine, rotor.home.admin, operation, input as never);

let made = 0;
/** A queue with so many failed jobs, j0 first. */
async function createFailed(count: number, options: (index: number) => object = () => ({})) {
  const name = `dlq-${++made}`;
  await perform(contract.queues.create, { name, concurrency: 1000 });
  const uid = await queueUid(rotor.sql, rotor.home.id, name);
  for (let from = 0; from < count; from += 1000) {
    const length = Math.min(1000, count - from);
    const jobs = Array.from({ length }, (_, at) => ({ jobId: `j${from + at}`, ...options(from + at) }));
    await perform(contract.jobs.addBatch, { name, jobs });
  }
  await workOff(rotor.sql, uid, ({ id }) =>
    Number(id.slice(1)) % 3 === 0 ? failure("timeout", "There was no answer.") : failure(),
  );
  return { name, uid };
}

const ids = (rows: { id: string }[]) => rows.map(({ id }) => id);

test("dead letters are listed newest first, by reason and by page", async () => {
  const { name } = await createFailed(5);
  const { data } = await perform(contract.dlq.list, { name });
  expect(ids(data)).toEqual(["j4", "j3", "j2", "j1", "j0"]);
  expect(data[0]).toMatchObject({ reason: "http_503", fingerprint: "http_503|the handler answered 503." });
  expect(ids((await perform(contract.dlq.list, { name, reason: "timeout" })).data)).toEqual(["j3", "j0"]);
  const first = await perform(contract.dlq.list, { name, limit: 3 });
  const second = await perform(contract.dlq.list, { name, limit: 3, cursor: first.nextCursor });
  expect([...ids(first.data), ...ids(second.data), second.nextCursor]).toEqual([
    "j4",
    "j3",
    "j2",
    "j1",
    "j0",
    null,
  ]);
});

test("failures are grouped by what went wrong", async () => {
  const { name } = await createFailed(7);
  const { data, looked_at } = await perform(contract.dlq.groups, { name });
  expect(looked_at).toBe(7);
  expect(data).toMatchObject([
    { reason: "http_503", count: 4, example_job_id: expect.stringMatching(/^j[1245]$/) },
    { reason: "timeout", count: 3, fail_reason: "There was no answer." },
  ]);
});

test("replayed ones are in no group, but were looked at", async () => {
  const { name } = await createFailed(2);
  await perform(contract.dlq.replay, { name, all: true });
  expect(await perform(contract.dlq.groups, { name })).toEqual({ data: [], nextCursor: null, looked_at: 2 });
});

test("a replay is a new job with the old one's payload, and the old one says so", async () => {
  const { name, uid } = await createFailed(1, () => ({
    payload: { to: "ada" },
    tags: ["t"],
    attempts: 7,
    priority: 5,
    concurrencyKey: "k",
  }));
  expect(await perform(contract.dlq.replay, { name, job_id: "j0" })).toEqual({
    replayed: 1,
    already_replayed: 0,
    not_failed: [],
    name_taken: [],
    remaining: 0,
    nextCursor: null,
  });
  const replay = await perform(contract.jobs.get, { name, id: "replay-j0" });
  expect(replay).toMatchObject({ state: "waiting", payload: { to: "ada" }, tags: ["t"], max_attempts: 7 });
  expect(replay).toMatchObject({ priority: 5, concurrencyKey: "k", enqueued_by: { replay_of: "j0" } });
  expect(await perform(contract.jobs.get, { name, id: "j0" })).toMatchObject({
    state: "failed",
    replayed_as: "replay-j0",
  });
  expect((await perform(contract.dlq.list, { name })).data).toEqual([]);
  expect(ids((await perform(contract.dlq.list, { name, include_replayed: true })).data)).toEqual(["j0"]);
  expect(ids((await perform(contract.jobs.list, { name, tag: "t" })).data)).toEqual(["replay-j0", "j0"]);
  expect(await workOff(rotor.sql, uid, () => success)).toBe(1);
});

test("replaying twice makes one, by id, by filter and at the same moment", async () => {
  const { name, uid } = await createFailed(20);
  const calls = Array.from({ length: 8 }, (_, index) =>
    perform(contract.dlq.replay, { name, ...(index % 2 ? { all: true } : { job_ids: ["j1", "j2", "j3"] }) }),
  );
  const replayed = (await Promise.all(calls)).map((answer) => answer.replayed);
  expect(replayed.reduce((sum, count) => sum + count, 0)).toBe(20);
  expect(await perform(contract.dlq.replay, { name, job_id: "j1" })).toMatchObject({
    replayed: 0,
    already_replayed: 1,
  });
  const [row] = await rotor.sql`select count(*)::int as n from job where queue_uid = ${uid}`;
  expect(row?.n).toBe(40);
});

test("more than one batch is replayed in one call", async () => {
  const { name } = await createFailed(2300);
  expect(await perform(contract.dlq.replay, { name, all: true })).toMatchObject({
    replayed: 2300,
    remaining: 0,
  });
  expect((await perform(contract.queues.stats, { name })).waiting).toBe(2300);
});

test("ids that are no dead letters are named", async () => {
  const { name } = await createFailed(1);
  await perform(contract.jobs.enqueue, { name, jobId: "waits" });
  const answer = await perform(contract.dlq.replay, { name, job_ids: ["j0", "waits", "unknown"] });
  expect(answer).toMatchObject({ replayed: 1, not_failed: ["waits", "unknown"] });
});

test("retry-all leaves replayed jobs alone", async () => {
  const { name } = await createFailed(3);
  await perform(contract.dlq.replay, { name, job_id: "j0" });
  expect((await perform(contract.queues.retryAll, { name })).retried).toBe(2);
});

test("the preview of a replay counts, names some, and binds its token", async () => {
  const { name } = await createFailed(9);
  const preview = await perform(contract.dlq.replay, { name, reason: "timeout", dry_run: true });
  expect(preview).toMatchObject({ replayed: 0, counts: { matching: 3 }, sample: ["j0", "j3", "j6"] });
  const { confirm_token } = preview;
  const other = perform(contract.dlq.replay, { name, all: true, confirm_token });
  expect(await codeOf(other)).toBe("CONFIRMATION_STALE");
  expect((await perform(contract.dlq.replay, { name, reason: "timeout", confirm_token })).replayed).toBe(3);
});

test.each([
  [{}],
  [{ job_id: "a", all: true }],
  [{ job_ids: ["a"], tag: "t" }],
  [{ job_id: "a", canary: true }],
  [{ all: true, canary: true, cursor: "WzFd" }],
  [{ job_ids: [] }],
  [{ all: true, max_error_rate: 1.1 }],
])("a replay of who knows what is refused: %j", async (input) => {
  const { name } = await createFailed(0);
  expect(await codeOf(perform(contract.dlq.replay, { name, ...input }))).toBe("INVALID_INPUT");
});

async function startCanary(name: string, input: object = {}) {
  const answer = await perform(contract.dlq.replay, { name, all: true, canary: true, ...input });
  return must(answer.replay, "the replay");
}

/** One look at every replay that runs. */
async function turn(): Promise<void> {
  await rotor.moveClock("1 second");
  await advanceReplays(services);
}

test("a canary replays 1 %, then 10 %, then all, each when the one before has ended well", async () => {
  const { name, uid } = await createFailed(300);
  const replay = await startCanary(name);
  expect(replay).toMatchObject({ state: "running", total: 300, sent: 0, max_error_rate: 0.2 });
  const at = { name, id: replay.id };
  const sent: number[] = [];
  for (let turns = 0; turns < 20; turns++) {
    await turn();
    const now = await perform(contract.dlq.getReplay, at);
    sent.push(now.sent);
    if (now.state !== "running") break;
    // Nothing moves on before the jobs have ended.
    await turn();
    expect((await perform(contract.dlq.getReplay, at)).sent).toBe(now.sent);
    await workOff(rotor.sql, uid, ({ id }) => (id.endsWith("5") ? failure() : success));
  }
  expect([...new Set(sent)]).toEqual([3, 30, 300]);
  expect(await perform(contract.dlq.getReplay, at)).toMatchObject({
    state: "completed",
    completed: 270,
    failed: 30,
    error_rate: 0.1,
    stage: "all",
  });
});

test("a canary stops by itself when too many fail, and leaves the rest where they are", async () => {
  const { name, uid } = await createFailed(500);
  const replay = await startCanary(name, { max_error_rate: 0.3 });
  const at = { name, id: replay.id };
  await turn();
  await workOff(rotor.sql, uid, () => success);
  await turn();
  await workOff(rotor.sql, uid, () => failure());
  await turn();
  const stopped = await perform(contract.dlq.getReplay, at);
  expect(stopped).toMatchObject({
    state: "stopped",
    stopped_because: "error_rate",
    sent: 50,
    failed: 45,
    stage: "10%",
  });
  await turn();
  expect((await perform(contract.dlq.getReplay, at)).sent).toBe(50);
  const [row] =
    await rotor.sql`select count(*)::int as n from job where queue_uid = ${uid} and id like 'replay-%'`;
  expect(row?.n).toBe(50);
});

test("a canary goes on where it was when the process that drove it is gone, and two do not send twice", async () => {
  const { name, uid } = await createFailed(200);
  const replay = await startCanary(name);
  const peer = await openServices(testOptions(rotor.url));
  for (let turns = 0; turns < 6; turns++) {
    await rotor.moveClock("1 second");
    await Promise.all([advanceReplays(services), advanceReplays(peer)]);
    await workOff(rotor.sql, uid, () => success);
  }
  await peer.outbound.close();
  await peer.broker.close();
  await peer.databases.close();
  expect(await perform(contract.dlq.getReplay, { name, id: replay.id })).toMatchObject({
    state: "completed",
    sent: 200,
    completed: 200,
  });
});

test("a stopped canary sends nothing more; so does one whose queue is gone", async () => {
  const { name } = await createFailed(200);
  const replay = await startCanary(name);
  await turn();
  const stopped = await perform(contract.dlq.stopReplay, { name, id: replay.id });
  expect(stopped).toMatchObject({ state: "stopped", stopped_because: "asked", sent: 2 });
  expect(await perform(contract.dlq.stopReplay, { name, id: replay.id })).toEqual(stopped);
  expect(await codeOf(perform(contract.dlq.getReplay, { name, id: "rpl_x" }))).toBe("REPLAY_NOT_FOUND");

  const second = await createFailed(5);
  const orphan = await startCanary(second.name);
  await perform(contract.queues.delete, { name: second.name });
  await turn();
  const [row] = await rotor.sql`select state, stopped_because from replay where id = ${orphan.id}`;
  expect({ ...row }).toEqual({ state: "stopped", stopped_because: "queue_deleted" });
});

test("where a job has the replay's name already, the failed one stays a dead letter", async () => {
  const { name } = await createFailed(1);
  await perform(contract.jobs.enqueue, { name, jobId: "replay-j0", delay: 60 });
  expect(await perform(contract.dlq.replay, { name, job_id: "j0" })).toMatchObject({
    replayed: 0,
    already_replayed: 0,
    name_taken: ["j0"],
  });
  expect(ids((await perform(contract.dlq.list, { name })).data)).toEqual(["j0"]);
});

test("what a drained replay was made of is a dead letter again, and may be replayed again", async () => {
  const { name } = await createFailed(2);
  await perform(contract.dlq.replay, { name, all: true });
  await perform(contract.jobs.enqueue, { name, jobId: "other" });
  expect((await perform(contract.queues.drain, { name })).drained).toBe(3);
  expect(ids((await perform(contract.dlq.list, { name })).data)).toEqual(["j1", "j0"]);
  expect((await perform(contract.dlq.replay, { name, job_id: "j0" })).replayed).toBe(1);
});

test("a job that was replayed, retried and has failed again is a dead letter again", async () => {
  const { name, uid } = await createFailed(1);
  await perform(contract.dlq.replay, { name, job_id: "j0" });
  await perform(contract.jobs.retry, { name, id: "j0" });
  await workOff(rotor.sql, uid, ({ id }) => (id === "j0" ? failure() : success));
  expect(ids((await perform(contract.dlq.list, { name })).data)).toEqual(["j0"]);
});

test("retrying a job that failed once more and waits for its next attempt changes nothing", async () => {
  const { name, uid } = await createFailed(1);
  await perform(contract.jobs.retry, { name, id: "j0" });
  await workOff(rotor.sql, uid, () => ({ ...failure(), state: "delayed", dueMs: 60_000 }));
  const again = await perform(contract.jobs.retry, { name, id: "j0" });
  expect(again).toMatchObject({ state: "delayed", generation: 2, attempts_made: 1 });
});

test.each(["\0", "\ud800"])("text that no database can be asked for is refused by name: %j", async (text) => {
  const { name } = await createFailed(1);
  for (const filter of [{ tag: text }, { reason: text }, { fingerprint: text }]) {
    expect(await codeOf(perform(contract.dlq.list, { name, ...filter }))).toBe("INVALID_INPUT");
  }
  expect(await codeOf(perform(contract.jobs.list, { name, text }))).toBe("INVALID_INPUT");
  expect(await codeOf(perform(contract.jobs.list, { name, tag: text }))).toBe("INVALID_INPUT");
  expect(await codeOf(perform(contract.dlq.getReplay, { name, id: text }))).toBe("INVALID_INPUT");
});
