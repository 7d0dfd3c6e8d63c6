import { createHash } from "node:crypto";
import type postgres from "postgres";

/** A short name for this database, the same in every process that uses it and in no other. */
export async function readInstallation(sql: postgres.Sql): Promise<string> {
  const [row] = await sql<{ id: string }[]>`
    select system_identifier || '/' || d.oid as id from pg_control_system(), pg_database d
    where d.datname = current_database()`;
  return createHash("sha256")
    .update(row?.id ?? "")
    .digest("hex")
    .slice(0, 8);
}
