import postgres from "postgres";
import { expect, test } from "vitest";
import { createTestDatabase } from "./index.ts";

test("a test database has the tables, and a write to one is not seen in another", async () => {
  const [first, second] = await Promise.all([createTestDatabase(), createTestDatabase()]);
  const sql = [first, second].map(({ url }) => postgres(url, { max: 1 }));
  try {
    await sql[0]?.unsafe("create table only_here (id int)");
    const tables = await Promise.all(
      sql.map(
        (connection) => connection<{ name: string }[]>`
        select relname as name from pg_class where relname in ('only_here', 'migration') and relkind = 'r'
          and relnamespace = 'public'::regnamespace order by 1`,
      ),
    );
    expect(tables.map((rows) => rows.map(({ name }) => name))).toEqual([
      ["migration", "only_here"],
      ["migration"],
    ]);
  } finally {
    await Promise.all(sql.map((connection) => connection.end()));
    await Promise.all([first.drop(), second.drop()]);
  }
});
