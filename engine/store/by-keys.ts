// Statements that find a few rows by their keys, in tables of any size. Postgres keeps a plan that it made while the
// tables were empty, when reading all of one seemed the least work; for these there is no plan but by an index.

import { sql } from "drizzle-orm";
import type { Database } from "./transactions.ts";

const off = ["enable_seqscan", "enable_hashjoin", "enable_mergejoin", "jit"];

/** For the end of a function's definition. */
export const byKeysInFunction = off.map((name) => `set ${name} = off`).join(" ");

/** Of a select, for the rest of its transaction. */
export const byKeysInTransaction = off.map((name) => `set_config('${name}', 'off', true)`).join(", ");

export async function goByKeys(db: Database): Promise<void> {
  await db.execute(sql.raw(`select ${byKeysInTransaction}`));
}
