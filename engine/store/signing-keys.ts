import { sql } from "drizzle-orm";
import { must } from "../must.ts";
import type { Database } from "./database.ts";

export type SigningKeyRow = {
  sealed: string;
  previous: string | null;
  previous_until: string | null;
  created_at: string;
};

/** The workspace's key; what is given is kept when there is none yet. */
export async function ensureSigningKey(
  db: Database,
  workspaceId: string,
  sealed: string,
): Promise<SigningKeyRow> {
  await db.execute(sql`
    insert into signing_key (workspace_id, sealed, created_at) values (${workspaceId}, ${sealed}, rotor_now())
    on conflict (workspace_id) do nothing`);
  return must(await findSigningKey(db, workspaceId), "the signing key");
}

export async function findSigningKey(db: Database, workspaceId: string): Promise<SigningKeyRow | undefined> {
  const [row] = await db.execute<SigningKeyRow>(
    sql`select sealed, previous, previous_until, created_at from signing_key where workspace_id = ${workspaceId}`,
  );
  return row;
}

/** The old key signs too for a while, so that apps can change over. */
export async function replaceSigningKey(
  db: Database,
  workspaceId: string,
  sealed: string,
  overlapMs: number,
): Promise<SigningKeyRow> {
  const [row] = await db.execute<SigningKeyRow>(sql`
    update signing_key set previous = sealed, sealed = ${sealed}, created_at = rotor_now(),
      previous_until = rotor_now() + ${overlapMs} * interval '1 millisecond'
    where workspace_id = ${workspaceId} returning sealed, previous, previous_until, created_at`);
  return must(row, "the signing key");
}
