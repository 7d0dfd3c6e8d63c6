// limits hold exactly, over any number of processes, and hostile sizes cost nothing.

import { contract, type RotorError } from "@rotorsh/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Engine } from "./engine.ts";
import { silentLog } from "./log.ts";
import { createRateLimiter } from "./rate-limiter.ts";
import { type Databases, openDatabases } from "./store/database.ts";
import { cpuTimeMs } from "./testing/cpu-time.ts";
import {
  call,
  codeOf,
  provenance,
  startTestEngine,
  type TestEngine,
  type TestWorkspace,
} from "./testing/index.ts";

let rotor: TestEngine;
let peer: Engine;

beforeAll(async () => {
  rotor = await startTestEngine();
  peer = await rotor.startPeer();
});

afterAll(() => rotor.stop());

async function limited(requestsPerMinute: number): Promise<{ home: TestWorkspace; token: string }> {
  const home = await rotor.createWorkspace("free");
  const input = { id: home.id, requests_per_minute: requestsPerMinute };
  await call(rotor.engine, rotor.operator, contract.admin.updateWorkspace, input);
  const token = await home.tokenFor();
  await startMinute();
  return { home, token };
}

/** Sets the clock to the first second of a fresh minute, so that no test meets the turn of one. */
async function startMinute(): Promise<void> {
  await rotor.sql`update clock set shift = shift + interval '1 minute'
    + (date_trunc('minute', rotor_now()) - rotor_now())`;
}

const enter = (token: string, engine = rotor.engine) => engine.authenticate({ token }, provenance);

test("R-1: of 200 requests at once over two processes, a limit of 60 lets exactly 60 through", async () => {
  const { token } = await limited(60);
  const codes = await Promise.all(
    Array.from({ length: 200 }, (_, index) => codeOf(enter(token, index % 2 ? peer : rotor.engine))),
  );
  expect(codes.filter((code) => code === "ok")).toHaveLength(60);
  expect(codes.filter((code) => code === "RATE_LIMITED")).toHaveLength(140);
});

test("R-1: every request learns its place, and a refused one how long to wait", async () => {
  const { token } = await limited(3);
  const rates = [];
  for (let request = 0; request < 3; request++) rates.push((await enter(token)).rate);
  expect(rates.map((rate) => rate?.remaining)).toEqual([2, 1, 0]);
  const refusal = (await enter(token).catch((error: RotorError) => error)) as RotorError;
  expect(refusal.status).toBe(429);
  expect(refusal.details.limit).toBe(3);
  const wait = refusal.details.retry_after_seconds as number;
  expect(wait).toBeGreaterThan(50);
  expect(wait).toBeLessThanOrEqual(60);
});

test("R-1: the next minute is fresh, and one workspace's use is not another's", async () => {
  const { token } = await limited(2);
  const other = await limited(2);
  const codes = async (key: string) => [
    await codeOf(enter(key)),
    await codeOf(enter(key)),
    await codeOf(enter(key)),
  ];
  expect(await codes(token)).toEqual(["ok", "ok", "RATE_LIMITED"]);
  expect(await codes(other.token)).toEqual(["ok", "ok", "RATE_LIMITED"]);
  await startMinute();
  expect(await codes(token)).toEqual(["ok", "ok", "RATE_LIMITED"]);
});

test("R-1: a workspace without a limit is not counted", async () => {
  const token = await rotor.home.tokenFor();
  expect((await enter(token)).rate).toBeNull();
  const [row] =
    await rotor.sql`select count(*)::int as rows from rate_window where workspace_id = ${rotor.home.id}`;
  expect(row?.rows).toBe(0);
});

test("R-1: when the counter fails, each process counts for itself, and the requests go on", async () => {
  const warnings: string[] = [];
  const databases = open();
  const log = { ...silentLog, warn: (_: object, message: string) => warnings.push(message) };
  const limiter = createRateLimiter(databases.sql, log);
  await rotor.sql`alter table rate_window rename to rate_window_gone`;
  try {
    const codes = [];
    for (let request = 0; request < 4; request++) codes.push(await codeOf(limiter.take("ws_broken", 3)));
    expect(codes).toEqual(["ok", "ok", "ok", "RATE_LIMITED"]);
    // Once, and not for each request.
    expect(warnings).toEqual(["rate limits are counted in this process alone"]);
    expect(limiter.countedAlone()).toBe(4);
  } finally {
    await rotor.sql`alter table rate_window_gone rename to rate_window`;
    await databases.close();
  }
});

function open(): Databases {
  return openDatabases({ url: rotor.url, rowSecurity: true });
}

async function withQuota(executionsPerMonth: number): Promise<TestWorkspace> {
  const home = await rotor.createWorkspace("free");
  const input = { id: home.id, executions_per_month: executionsPerMonth };
  await call(rotor.engine, rotor.operator, contract.admin.updateWorkspace, input);
  for (const name of ["a", "b"]) await call(rotor.engine, home.admin, contract.queues.create, { name });
  const admin = await home.callerFor({ role: "admin" });
  return { ...home, admin };
}

/** Enqueues `size` jobs at once, by one process or the other. */
function take({ admin }: TestWorkspace, index: number, size: number) {
  const jobs = Array.from({ length: size }, () => ({}));
  const input = { name: index % 3 ? "a" : "b", jobs };
  return codeOf(call(index % 2 ? peer : rotor.engine, admin, contract.jobs.addBatch, input));
}

test("R-2: a quota taken by two processes at once is used up and never passed", async () => {
  const home = await withQuota(100);
  const sizes = Array.from({ length: 120 }, (_, index) => 1 + (index % 4));
  const codes = await Promise.all(sizes.map((size, index) => take(home, index, size)));
  expect(new Set(codes)).toEqual(new Set(["ok", "QUOTA_EXCEEDED"]));
  const taken = sizes.reduce((sum, size, index) => sum + (codes[index] === "ok" ? size : 0), 0);
  const usage = () => call(rotor.engine, home.admin, contract.usage.current, {});
  expect((await usage()).executions.total).toBe(taken);
  for (let left = 100 - taken; left > 0; left--) expect(await take(home, left, 1)).toBe("ok");
  expect(await take(home, 0, 1)).toBe("QUOTA_EXCEEDED");
  const { executions, quota } = await usage();
  const { a = 0, b = 0 } = executions.byQueue;
  expect([executions.total, a + b, quota.used, quota.limit]).toEqual([100, 100, 100, 100]);
  const [stored] = await rotor.sql`select count(*)::int as jobs from job where workspace_id = ${home.id}`;
  expect(stored?.jobs).toBe(100);
});

test("R-2: a batch that does not fit takes nothing, and one that fits still goes in", async () => {
  const home = await withQuota(10);
  const codes = [await take(home, 0, 11), await take(home, 0, 10), await take(home, 0, 1)];
  expect(codes).toEqual(["QUOTA_EXCEEDED", "ok", "QUOTA_EXCEEDED"]);
});

test("R-2: a new month has its whole quota", async () => {
  const home = await withQuota(2);
  expect([await take(home, 0, 2), await take(home, 0, 1)]).toEqual(["ok", "QUOTA_EXCEEDED"]);
  await rotor.moveClock("31 days");
  expect([await take(home, 0, 2), await take(home, 0, 1)]).toEqual(["ok", "QUOTA_EXCEEDED"]);
});

const long = "a".repeat(400_000);
const hostile: [string, object][] = [
  ["a page of a million", { limit: 1_000_000 }],
  ["a negative page", { limit: -1 }],
  ["a cursor of 400 KB", { cursor: long }],
  ["a field name of 400 KB", { [long]: 1 }],
  [
    "as many unknown fields as a body can hold",
    Object.fromEntries(Array.from({ length: 60_000 }, (_, index) => [`f${index}`, 1])),
  ],
  ["a list of 100,000 where a text belongs", { state: Array.from({ length: 100_000 }, () => "paused") }],
  ["5,000 levels", { state: nested(5000) }],
];

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < depth; level++) value = { a: value };
  return value;
}

test.each(hostile)("R-3: %s is refused within 50 ms, in a short answer", async (_, input) => {
  const ms = await cpuTimeMs(async () => {
    const refused = rotor.engine.perform(rotor.home.admin, contract.queues.list, input);
    const error = await refused.catch((caught) => caught);
    expect(error.code).toBe("INVALID_INPUT");
    expect(JSON.stringify(error.toBody()).length).toBeLessThan(5000);
  });
  expect(ms).toBeLessThan(50);
});
