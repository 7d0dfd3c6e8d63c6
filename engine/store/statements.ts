import { type SQL, sql } from "drizzle-orm";
import type { Database, Statements } from "./database.ts";

/** Statements as postgres.js writes them, in a transaction that drizzle has opened. Dates in answers are text. */
export function statementsOf(db: Database): Statements {
  const send = (parts: TemplateStringsArray, ...values: unknown[]) =>
    // A list is one parameter, an array, and not one for each of its entries.
    db.execute(
      sql(parts, ...values.map((value): SQL | unknown => (Array.isArray(value) ? sql.param(value) : value))),
    );
  return send as unknown as Statements;
}
