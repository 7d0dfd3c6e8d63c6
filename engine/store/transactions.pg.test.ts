import { sql as text } from "drizzle-orm";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../testing/index.ts";
import { type Databases, openDatabases } from "./database.ts";

let database: TestDatabase;
let databases: Databases;

beforeAll(async () => {
  database = await createTestDatabase();
  databases = openDatabases({ url: database.url, rowSecurity: true, appPool: 2, enginePool: 2 });
});

afterAll(async () => {
  await databases.close();
  await database.drop();
});

beforeEach(() => databases.engine.execute(text`delete from usage`));

const add = (name: string) => text`insert into usage values ('ws_a', '2026-01-01', ${name}, 1)`;
const names = async () => {
  const rows = await databases.engine.execute<{ name: string }>(
    text`select queue_name as name from usage order by 1`,
  );
  return rows.map(({ name }) => name);
};

test("work is kept when it resolves, and undone when it rejects", async () => {
  await databases.inWorkspace("ws_a", (db) => db.execute(add("kept")));
  const failed = databases.inWorkspace("ws_a", async (db) => {
    await db.execute(add("undone"));
    throw new Error("no");
  });
  await expect(failed).rejects.toThrow("no");
  expect(await names()).toEqual(["kept"]);
});

test("a statement that failed unnoticed undoes the work, and is the error", async () => {
  const failed = databases.inWorkspace("ws_a", async (db) => {
    await db.execute(add("undone"));
    await db.execute(text`select 1/0`).catch(() => {});
    return "as if nothing had been";
  });
  await expect(failed).rejects.toMatchObject({ code: "22012" });
  expect(await names()).toEqual([]);
});

test("an inner transaction is undone alone, and the outer one goes on", async () => {
  await databases.inWorkspace("ws_a", async (db) => {
    await db.execute(add("before"));
    const inner = db.transaction(async (nested) => {
      await nested.execute(add("undone"));
      await nested.execute(text`select 1/0`);
    });
    await expect(inner).rejects.toThrow();
    await db.transaction((nested) => nested.execute(add("inside")));
    await db.execute(add("after"));
  });
  expect(await names()).toEqual(["after", "before", "inside"]);
});

test("more transactions than connections wait for their turn, and each has its own workspace", async () => {
  const seen = await Promise.all(
    Array.from({ length: 40 }, (_, index) =>
      databases.inWorkspace(`ws_${index}`, async (db) => {
        const [row] = await db.execute<{ own: string }>(text`select current_setting('app.workspace') as own`);
        return row?.own;
      }),
    ),
  );
  expect(seen).toEqual(Array.from({ length: 40 }, (_, index) => `ws_${index}`));
});

test("a workspace id is a text and nothing else to the database", async () => {
  const id = "x', true); delete from usage; select set_config('app.workspace', 'ws_a";
  const [row] = await databases.inWorkspace(id, (db) =>
    db.execute<{ own: string }>(text`select current_setting('app.workspace') as own`),
  );
  expect(row?.own).toBe(id);
});

test("now is the database's clock, shift included, to the millisecond", async () => {
  await databases.engine.execute(text`update clock set shift = '1000 days'`);
  try {
    const { now, stored } = await databases.acrossWorkspaces(async (db, now) => {
      const [row] = await db.execute<{ stored: string }>(text`select rotor_now()::text as stored`);
      return { now, stored: new Date(row?.stored as string) };
    });
    expect(Math.abs(stored.getTime() - now.getTime())).toBeLessThan(5000);
    expect(now.getTime() - Date.now()).toBeGreaterThan(999 * 24 * 60 * 60 * 1000);
  } finally {
    await databases.engine.execute(text`update clock set shift = '0'`);
  }
});

test("dates come back as they were stored, whatever forms the database prefers", async () => {
  const name = new URL(database.url).pathname.slice(1);
  const forms = [text`datestyle = 'German'`, text`timezone = 'Asia/Kathmandu'`];
  for (const form of forms)
    await databases.acrossWorkspaces((db) => setDefault(db, name, form)).catch(() => {});
  const other = openDatabases({ url: database.url, rowSecurity: true });
  const { now, epoch } = await other.acrossWorkspaces(async (db, now) => {
    const [row] = await db.execute<{ epoch: string }>(
      text`select extract(epoch from rotor_now()) * 1000 as epoch`,
    );
    return { now, epoch: Number(row?.epoch) };
  });
  await other.close();
  expect(Math.abs(epoch - now.getTime())).toBeLessThan(5000);
});

const setDefault = (
  db: Parameters<Parameters<Databases["acrossWorkspaces"]>[0]>[0],
  name: string,
  form: ReturnType<typeof text>,
) => db.execute(text`alter database ${text.identifier(name)} set ${form}`);
