import { createHash } from "node:crypto";
import postgres from "postgres";
import { StartRefused } from "../start-refused.ts";
import { migrations } from "./migrations/index.ts";
import { applyRoles } from "./roles.ts";

/** Any number; every server of one database takes the same lock. */
const migrationLock = 7_241_003;

export type Migrated = { applied: string[]; rowSecurity: boolean };

/** Brings a database to the newest version. Servers that start at the same time wait for each other. */
export async function migrate(databaseUrl: string): Promise<Migrated> {
  const sql = postgres(databaseUrl, { max: 1, fetch_types: false, onnotice: () => {} });
  try {
    await sql`select pg_advisory_lock(${migrationLock})`;
    const applied = await applyNew(sql);
    return { applied, rowSecurity: await applyRoles(sql) };
  } finally {
    await sql.end({ timeout: 5 });
  }
}

async function applyNew(sql: postgres.Sql): Promise<string[]> {
  await sql`create table if not exists migration (
    name text primary key, checksum text not null, applied_at timestamptz not null default now())`;
  const rows = await sql<{ name: string; checksum: string }[]>`select name, checksum from migration`;
  const done = new Map(rows.map(({ name, checksum }) => [name, checksum]));
  const fresh: string[] = [];
  for (const { name, sql: text } of migrations) {
    const checksum = createHash("sha256").update(text).digest("hex");
    if (done.has(name)) {
      if (done.get(name) !== checksum) throw otherText(name);
      continue;
    }
    // Several statements sent as one text are one transaction.
    await sql.unsafe(`${text};\ninsert into migration (name, checksum) values ('${name}', '${checksum}')`);
    fresh.push(name);
  }
  const unknown = [...done.keys()].filter((name) => !migrations.some((migration) => migration.name === name));
  if (unknown.length > 0)
    throw new StartRefused(
      `This database was migrated by a newer Rotor (${unknown.join(", ")}): start that one, or use another database`,
    );
  return fresh;
}

function otherText(name: string): StartRefused {
  return new StartRefused(
    `This database was migrated by another Rotor, before its migration ${name} was changed: start that one, ` +
      "or use another database",
  );
}
