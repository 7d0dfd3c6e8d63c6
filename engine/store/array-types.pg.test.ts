import { sql as text } from "drizzle-orm";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../testing/index.ts";
import { type Databases, openDatabases } from "./database.ts";

let database: TestDatabase;
let databases: Databases;

beforeAll(async () => {
  database = await createTestDatabase();
  databases = openDatabases({ url: database.url, rowSecurity: true });
});

afterAll(async () => {
  await databases.close();
  await database.drop();
});

const storable = fc.string({ unit: "grapheme" }).filter((value) => !/[\0\p{Cs}]/u.test(value));

test("a list of texts goes into the database and comes back as it was", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(storable), async (list) => {
      const [raw] = await databases.sql`select ${list}::text[] as list`;
      const [drizzled] = await databases.engine.execute(text`select ${text.param(list)}::text[] as list`);
      expect([raw?.list, drizzled?.list]).toEqual([list, list]);
    }),
    { numRuns: 50, examples: [[["", " ", '"', "\\", "a,b", "{}", "NULL", "null", "ä\n\t'"]]] },
  );
});

test("each kind of list comes back as postgres.js gives a single one", async () => {
  const [row] = await databases.sql`
    select array[1, -2]::int[] as ints, array[9007199254740993]::bigint[] as bigs, array[true, false] as flags,
      array[0.5]::float8[] as floats, array[]::text[] as none`;
  expect({ ...row }).toEqual({
    ints: [1, -2],
    bigs: ["9007199254740993"],
    flags: [true, false],
    floats: [0.5],
    none: [],
  });
});

test("a missing entry is NULL in the database", async () => {
  const list: (string | null)[] = ["a", null];
  const [row] =
    await databases.sql`select cardinality(${list}::text[]) as length, (${list}::text[])[2] is null as missing`;
  expect({ ...row }).toEqual({ length: 2, missing: true });
});
