// What is asked of a connection that breaks, or that nobody answers on.

import postgres from "postgres";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  createTestDatabase,
  startProxy,
  startTlsFront,
  type TestDatabase,
  type TestProxy,
  type TlsFront,
} from "../testing/index.ts";
import { openDatabases } from "./database.ts";

describe.each(["plain", "TLS"])("%s", (line) => {
  let database: TestDatabase;
  let front: TlsFront | undefined;
  let proxy: TestProxy;

  beforeAll(async () => {
    database = await createTestDatabase();
    front = line === "TLS" ? await startTlsFront(database.url) : undefined;
    proxy = await startProxy(front?.url ?? database.url);
  });

  afterAll(async () => {
    await proxy?.close();
    await front?.close();
    await database?.drop();
  });

  test("a statement sent while its connection breaks is answered or fails, and gets no other one's answer", async () => {
    const { sql, close } = openDatabases({ url: proxy.url, rowSecurity: false, enginePool: 1 });
    for (let round = 0; round < 5; round++) {
      // The connection is there, and in use.
      await expect.poll(() => sql`select 1 as n`.then(([row]) => row?.n).catch(() => "lost")).toBe(1);
      const numbers = [1, 2, 3, 4, 5];
      const ask = (n: number) => sql`select ${n}::int as n`.then(([row]) => row?.n);
      // The handler of the first failure runs between the socket's error and its close.
      const broken = sql`select pg_sleep(60)`.catch(() => Promise.allSettled(numbers.map(ask)));
      await expect.poll(() => isAsleep(database.url)).toBe(true);
      proxy.set("refuse");
      const answers = (await broken) as PromiseSettledResult<number>[];
      proxy.set("pass");
      expect(answers.map((one, at) => (one.status === "fulfilled" ? one.value : numbers[at]))).toEqual(
        numbers,
      );
      const later = [6, 7, 8];
      await expect.poll(() => Promise.all(later.map(ask)).catch(() => "lost")).toEqual(later);
    }
    await close();
  });

  test("a connection whose line is dead is given up, while others work", async () => {
    const { sql, close } = openDatabases({
      url: proxy.url,
      rowSecurity: false,
      enginePool: 1,
      silenceMs: 1000,
    });
    await sql`select 1`;
    // A line that swallowed something stays dead; the heartbeat's own has swallowed nothing.
    proxy.set("black-hole");
    const swallowed = sql`select 1`.then(
      () => "answered",
      (error: { code: string }) => error.code,
    );
    await expect.poll(() => proxy.swallowed()).toBeGreaterThan(0);
    proxy.set("pass");
    expect(await swallowed).toMatch(/^CONNECTION_/);
    await expect.poll(() => sql`select 2 as n`.catch(() => "lost")).toEqual([{ n: 2 }]);
    await close();
  });

  test("a connection that is begun on a dead line is given up, and begun anew", async () => {
    proxy.set("black-hole");
    const { sql, close } = openDatabases({ url: proxy.url, rowSecurity: false, enginePool: 1 });
    const swallowed = sql`select 1`.catch(() => "lost");
    expect(await swallowed).toBe("lost");
    proxy.set("pass");
    await expect.poll(() => sql`select 2 as n`.catch(() => "lost"), { timeout: 15_000 }).toEqual([{ n: 2 }]);
    await close();
  });

  test("a statement that failed with rows already sent leaves none of its places in the next result", async () => {
    const { sql, close } = openDatabases({ url: proxy.url, rowSecurity: false, enginePool: 1 });
    const failing = sql`select 1 / (x - 2000) as n, repeat('x', 100) from generate_series(1, 3000) x`;
    await expect(failing).rejects.toMatchObject({ code: "22012" });
    expect(await sql`select 1 as n`).toEqual([{ n: 1 }]);
    const cutOff = sql`
      select case when x = 2000 then pg_terminate_backend(pg_backend_pid()) end, repeat('x', 100)
      from generate_series(1, 3000) x`;
    await expect(cutOff).rejects.toMatchObject({ code: "CONNECTION_CLOSED" });
    await expect.poll(() => sql`select 2 as n`.catch(() => "lost")).toEqual([{ n: 2 }]);
    await close();
  });
});

describe("what a URL says of TLS", () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await createTestDatabase();
  });

  afterAll(() => database?.drop());

  /** How a statement fares over such a connection: is it answered, or what is wrong? */
  async function ask(url: string): Promise<unknown> {
    const { sql, close } = openDatabases({ url, rowSecurity: false, enginePool: 1 });
    const answer = await sql`select 1 as n`.then(
      () => "answered",
      ({ message }: Error) => message,
    );
    await close();
    return answer;
  }

  test("a server that has none is used without where that is said to do, and else not", async () => {
    for (const [sslmode, answer] of [
      ["prefer", /^answered$/],
      ["require", /does not speak TLS/],
      ["verify-full", /does not speak TLS/],
    ] as const) {
      const front = await startTlsFront(database.url, { sslmode, agrees: false });
      expect([sslmode, await ask(front.url)]).toEqual([sslmode, expect.stringMatching(answer)]);
      await front.close();
    }
  });

  test("a certificate is looked at where that is asked for", async () => {
    for (const [sslmode, answer] of [
      ["prefer", /^answered$/],
      ["require", /^answered$/],
      ["verify-full", /self-signed certificate/],
    ] as const) {
      const front = await startTlsFront(database.url, { sslmode });
      expect([sslmode, await ask(front.url)]).toEqual([sslmode, expect.stringMatching(answer)]);
      await front.close();
    }
  });
});

async function isAsleep(url: string): Promise<boolean> {
  const own = postgres(url, { max: 1 });
  const rows = await own`
    select 1 from pg_stat_activity where datname = current_database() and state = 'active' and query like '%pg_sleep(60)%'
      and pid <> pg_backend_pid()`;
  await own.end();
  return rows.length > 0;
}
