// What a process does while its database is gone, in each way a database can be gone, and that it needs no restart.

import { contract, RotorError } from "@rotorsh/contract";
import { sql as text } from "drizzle-orm";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { type Engine, startEngine } from "./engine.ts";
import { type Databases, isUnavailable, openDatabases } from "./store/database.ts";
import {
  call,
  provenance,
  startProxy,
  startTestEngine,
  type TestEngine,
  type TestProxy,
  testOptions,
} from "./testing/index.ts";

let rotor: TestEngine;
let token: string;
let proxy: TestProxy;
let engine: Engine;

beforeAll(async () => {
  rotor = await startTestEngine();
  token = await rotor.home.tokenFor({ role: "admin" });
});

afterAll(() => rotor.stop());

beforeEach(async () => {
  proxy = await startProxy(rotor.url);
  engine = await startEngine({ ...testOptions(proxy.url), workers: true });
  await use();
});

afterEach(async () => {
  proxy.set("pass");
  // Lines that swallowed something stay dead: what they carry is given up only after half a minute.
  proxy.cut();
  await engine.close();
  await proxy.close();
});

const enter = () => engine.authenticate({ token }, provenance);

/** A read and a write, as a request makes them. */
async function use(): Promise<void> {
  const caller = await enter();
  await call(engine, caller, contract.whoami.get, {});
  await call(engine, caller, contract.queues.upsert, {
    name: "q",
    concurrency: 1 + Math.floor(performance.now() % 1000),
  });
}

/** The code in which a call ends, and the milliseconds until then. */
async function timed(act: () => Promise<unknown>): Promise<{ code: string; ms: number }> {
  const start = performance.now();
  const code = await act().then(
    () => "ok",
    (error: unknown) => (error instanceof RotorError ? error.code : String(error)),
  );
  return { code, ms: performance.now() - start };
}

const recovers = () => expect.poll(() => timed(use).then(({ code }) => code), { timeout: 10_000 }).toBe("ok");

test("a database that refuses connections: every call is UNAVAILABLE within a second, and works again after", async () => {
  const caller = await enter();
  proxy.set("refuse");
  await expect.poll(() => timed(enter).then(({ code }) => code)).toBe("UNAVAILABLE");
  const calls = await Promise.all([
    timed(enter),
    timed(() => call(engine, caller, contract.queues.list, {})),
    timed(() => call(engine, caller, contract.queues.upsert, { name: "q" })),
    timed(() => call(engine, caller, contract.queues.upsert, { name: "q" }, "key")),
    timed(() => call(engine, rotor.operator, contract.admin.listWorkspaces, {})),
  ]);
  expect(new Set(calls.map(({ code }) => code))).toEqual(new Set(["UNAVAILABLE"]));
  expect(Math.max(...calls.map(({ ms }) => ms))).toBeLessThan(1000);
  expect(await engine.isReady()).toBe(false);
  proxy.set("pass");
  await recovers();
  expect(await engine.isReady()).toBe(true);
});

test("connections that are cut while fifty calls are under way fail those calls and no later one", async () => {
  const caller = await enter();
  for (let round = 0; round < 3; round++) {
    const calls = Array.from({ length: 50 }, (_, index) =>
      timed(() =>
        call(engine, caller, contract.queues.upsert, { name: `q${index % 5}`, concurrency: 1 + round }),
      ),
    );
    proxy.cut();
    const codes = new Set((await Promise.all(calls)).map(({ code }) => code));
    codes.delete("ok");
    codes.delete("UNAVAILABLE");
    expect([...codes]).toEqual([]);
    await recovers();
  }
});

test("a network that swallows everything: UNAVAILABLE in a few seconds, then at once, and works again after", async () => {
  const caller = await enter();
  proxy.set("black-hole");
  const first = await Promise.all(
    Array.from({ length: 40 }, (_, index) =>
      timed(() => (index % 2 ? enter() : call(engine, caller, contract.queues.upsert, { name: "q" }))),
    ),
  );
  expect(new Set(first.map(({ code }) => code))).toEqual(new Set(["UNAVAILABLE"]));
  expect(Math.max(...first.map(({ ms }) => ms))).toBeLessThan(6000);
  const later = await timed(use);
  expect(later).toMatchObject({ code: "UNAVAILABLE" });
  expect(later.ms).toBeLessThan(100);
  expect(await engine.isReady()).toBe(false);
  proxy.set("pass");
  await recovers();
  expect(await engine.isReady()).toBe(true);
});

test("a write that was cut off is done or not done, and its repetition by key makes it done once", async () => {
  const caller = await enter();
  for (let round = 0; round < 10; round++) {
    const name = `once-${round}`;
    const create = () => timed(() => call(engine, caller, contract.queues.create, { name }, `key-${round}`));
    const first = create();
    setImmediate(() => proxy.cut());
    expect(["ok", "UNAVAILABLE"]).toContain((await first).code);
    await expect.poll(() => create().then(({ code }) => code)).toBe("ok");
    const [row] =
      await rotor.sql`select count(*)::int as events from audit_event where resource_id = ${name}`;
    expect(row?.events).toBe(1);
  }
});

test("closing an engine whose database is silent does not hang", async () => {
  const other = await startEngine(testOptions(proxy.url));
  proxy.set("black-hole");
  const { ms } = await timed(() => other.close());
  expect(ms).toBeLessThan(7000);
});

async function withDatabases(work: (databases: Databases) => Promise<void>): Promise<void> {
  const databases = openDatabases({ url: proxy.url, rowSecurity: true, appPool: 1 });
  try {
    await work(databases);
  } finally {
    await databases.close();
  }
}

test("a transaction that lost its connection gets no other one: it is over, and the next works", async () => {
  await withDatabases(async (databases) => {
    const outcomes: string[] = [];
    const lost = databases.inWorkspace("ws_a", async (db) => {
      proxy.cut();
      const attempt = () =>
        db.execute(text`select 1`).then(
          () => "ok",
          (error) => String(isUnavailable(error)),
        );
      await expect.poll(attempt).toBe("true");
      for (let round = 0; round < 3; round++) outcomes.push(await attempt());
    });
    expect(isUnavailable(await lost.catch((error: unknown) => error))).toBe(true);
    expect(outcomes).toEqual(["true", "true", "true"]);
    const next = databases.inWorkspace("ws_b", (db) =>
      db.execute(text`select current_setting('app.workspace') as own`),
    );
    expect(await next).toEqual([{ own: "ws_b" }]);
  });
});

test("a transaction that is over refuses statements that come late", async () => {
  await withDatabases(async (databases) => {
    const leaked = await databases.inWorkspace("ws_a", async (db) => ({ db }));
    await expect(leaked.db.execute(text`select 1`)).rejects.toThrow();
    await expect(
      databases.inWorkspace("ws_b", async (db) => db.execute(text`select 1 as one`)),
    ).resolves.toEqual([{ one: 1 }]);
  });
});

test("what waits for a connection when the database falls silent is told so, too", async () => {
  await withDatabases(async (databases) => {
    await databases.inWorkspace("ws_a", (db) => db.execute(text`select 1`));
    proxy.set("black-hole");
    const calls = Array.from({ length: 5 }, () =>
      databases
        .inWorkspace("ws_a", (db) => db.execute(text`select 1`))
        .then(
          () => "ok",
          (error) => isUnavailable(error),
        ),
    );
    expect(await Promise.all(calls)).toEqual([true, true, true, true, true]);
  });
});
