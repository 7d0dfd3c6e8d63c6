// Lists look at a bounded number of jobs per page, whatever they are asked to find.

import { contract } from "@rotorsh/contract";
import { sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import { afterAll, beforeAll, expect, test } from "vitest";
import { windowOf } from "../store/job-window.ts";
import { call, startTestEngine, type TestEngine } from "../testing/index.ts";
import { claim, end, failure, queueUid, success } from "../testing/work.ts";

let rotor: TestEngine;
let uid: number;

/** Jobs that lie between the newest and what is looked for. */
const between = 25_000;

beforeAll(async () => {
  rotor = await startTestEngine();
  await call(rotor.engine, rotor.home.admin, contract.queues.create, { name: "q", concurrency: 1000 });
  uid = await queueUid(rotor.sql, rotor.home.id, "q");
  const rare = { jobId: "rare", tags: ["t"] };
  await call(rotor.engine, rotor.home.admin, contract.jobs.addBatch, {
    name: "q",
    jobs: [rare, { jobId: "fine" }],
  });
  const jobs = await claim(rotor.sql, uid);
  await end(rotor.sql, uid, jobs, ({ id }) => (id === "rare" ? failure() : success));
  await rotor.moveClock("1 hour");
  await rotor.sql`
    with made as (
      insert into job (queue_uid, id, workspace_id, state, priority, payload, tags, max_attempts, provenance, created_at)
      select ${uid}, 'j' || n, ${rotor.home.id}, 'waiting', 0, '{}', '{t}', 3, '{}', rotor_now()
      from generate_series(1, ${between}::int) n returning *)
    insert into job_tag (queue_uid, workspace_id, tag, seq, job_id) select queue_uid, workspace_id, 't', seq, id from made`;
});
afterAll(() => rotor.stop());

const hourAgo = () => new Date(Date.now() + 1_800_000).toISOString();

test.each<[string, () => object, string[]]>([
  ["by tag and a rare state", () => ({ tag: "t", state: "failed" }), ["rare"]],
  ["by tag, far back in time", () => ({ tag: "t", to: hourAgo() }), ["rare"]],
  ["far back in time", () => ({ to: hourAgo() }), ["fine", "rare"]],
  ["by text", () => ({ text: "rar" }), ["rare"]],
])("a list %s takes pages of 20,000 jobs, and finds what is behind them", async (_, filter, ids) => {
  const list = (cursor?: string) =>
    call(rotor.engine, rotor.home.admin, contract.jobs.list, {
      name: "q",
      ...filter(),
      ...(cursor && { cursor }),
    });
  const first = await list();
  expect(first.data).toEqual([]);
  const second = await list(first.nextCursor as string);
  expect(second.data.map(({ id }) => id)).toEqual(ids);
  expect(second.nextCursor).toBeNull();
});

test("a list from a time on ends there, and does not go on to what is older", async () => {
  const input = { name: "q", from: new Date(Date.now() + 7_200_000).toISOString() };
  expect(await call(rotor.engine, rotor.home.admin, contract.jobs.list, input)).toEqual({
    data: [],
    nextCursor: null,
  });
});

test("a list of one state does not look at the others", async () => {
  const { data, nextCursor } = await call(rotor.engine, rotor.home.admin, contract.jobs.list, {
    name: "q",
    state: "failed",
    text: "rar",
  });
  expect([data.map(({ id }) => id), nextCursor]).toEqual([["rare"], null]);
});

test("dead letters by tag are found behind 20,000 jobs with the same tag", async () => {
  const list = (cursor?: string) =>
    call(rotor.engine, rotor.home.admin, contract.dlq.list, {
      name: "q",
      tag: "t",
      ...(cursor && { cursor }),
    });
  const first = await list();
  expect(first.data).toEqual([]);
  const second = await list(first.nextCursor as string);
  expect(second.data.map(({ id }) => id)).toEqual(["rare"]);
  const { retried } = await call(rotor.engine, rotor.home.admin, contract.queues.retryAll, {
    name: "q",
    tag: "t",
  });
  expect(retried).toBe(1);
});

test("pages without a filter hold every job once, newest first", async () => {
  const seen: string[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < 5; page++) {
    const input = { name: "q", limit: 7, ...(cursor && { cursor }) };
    const { data, nextCursor } = await call(rotor.engine, rotor.home.admin, contract.jobs.list, input);
    seen.push(...data.map(({ id }) => id));
    cursor = nextCursor as string;
  }
  expect(seen).toEqual(Array.from({ length: 35 }, (_, index) => `j${between - index}`));
});

test.each([{}, { state: "waiting" }, { tag: "t" }] as const)(
  "a page reads no further than it must (%j)",
  async (line) => {
    const client = postgres(rotor.url, { max: 1 });
    const queue = { uid, workspaceId: rotor.home.id, name: "q" };
    const window = windowOf(queue, line, { most: 20_000, newestFirst: true });
    const [row] = await drizzle(client).execute(sql`
      explain (analyze, format json) select id from ${window} w order by seq desc limit 5`);
    await client.end();
    const read = [...JSON.stringify(row).matchAll(/"Actual Rows":(\d+)/g)].map(([, rows]) => Number(rows));
    expect(Math.max(...read)).toBeLessThan(10);
  },
);
