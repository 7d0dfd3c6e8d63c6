import postgres from "postgres";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { silentLog } from "../log.ts";
import { brokerRules } from "../testing/broker-rules.ts";
import { createTestDatabase, type TestDatabase } from "../testing/database.ts";
import { startProxy } from "../testing/proxy.ts";
import { openBroker } from "./broker.ts";
import { migrateBroker } from "./postgres.ts";

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const open = (listens: boolean, databaseUrl = database.url) =>
  openBroker({ databaseUrl, redisUrl: undefined, listens, installation: "test", log: silentLog });

describe("on Postgres", () => brokerRules(open));

test("it says so in its health, and that there is no Redis", async () => {
  const broker = await open(false);
  expect(await broker.health()).toEqual({ broker: "ok", redis: "none" });
  await broker.close();
});

test("servers that start at the same time migrate once", async () => {
  await Promise.all([1, 2, 3].map(() => migrateBroker(database.url)));
});

test("a process keeps to four connections", async () => {
  const broker = await open(true);
  const heard: number[] = [];
  broker.onWake((uids) => heard.push(...uids));
  const uids = Array.from({ length: 50 }, (_, uid) => uid);
  broker.wake(uids);
  for (const uid of uids) broker.announce(broker.waitingRoomOf("ws_a", `queue-${uid}`));
  await vi.waitFor(() => expect(new Set(heard).size).toBe(50), 10_000);
  const sql = postgres(database.url, { max: 1 });
  const [row] = await sql`select count(*)::int as n from pg_stat_activity
    where datname = current_database() and (application_name = 'rotor-broker' or application_name like 'wake%')`;
  expect(row?.n).toBeLessThanOrEqual(4);
  await sql.end();
  await broker.close();
});

test("it works again after its connections were cut", async () => {
  const proxy = await startProxy(database.url);
  const broker = await open(true, proxy.url);
  const heard: number[] = [];
  broker.onWake((uids) => heard.push(...uids));
  broker.wake([1]);
  await vi.waitFor(() => expect(heard).toContain(1));
  proxy.set("refuse");
  broker.wake([2]);
  await vi.waitFor(async () => expect(await broker.health()).toMatchObject({ broker: "down" }));
  proxy.set("pass");
  await vi.waitFor(async () => expect(await broker.health()).toMatchObject({ broker: "ok" }));
  await vi.waitFor(() => {
    broker.wake([3]);
    expect(heard).toContain(3);
  }, 10_000);
  await broker.close();
  await proxy.close();
});
