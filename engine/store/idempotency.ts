import { createHash } from "node:crypto";
import { and, eq, sql } from "drizzle-orm";
import type { Database } from "./database.ts";
import { idempotency } from "./schema.ts";

export type IdempotencyRow = typeof idempotency.$inferSelect;

export const keptHours = 24;

/** Holds a key until the transaction ends; false when another request holds it now. */
export async function holdKey(db: Database, keyId: string, keyHash: string): Promise<boolean> {
  const [row] = await db.execute<{ held: boolean }>(
    sql`select pg_try_advisory_xact_lock(hashtextextended(${`idempotency|${keyId}|${keyHash}`}, 0)) as held`,
  );
  return row?.held ?? false;
}

export async function findAnswer(
  db: Database,
  keyId: string,
  keyHash: string,
): Promise<IdempotencyRow | undefined> {
  const rows = await db
    .select()
    .from(idempotency)
    .where(
      and(
        eq(idempotency.keyId, keyId),
        eq(idempotency.keyHash, keyHash),
        sql`${idempotency.createdAt} > rotor_now() - make_interval(hours => ${keptHours})`,
      ),
    );
  return rows[0];
}

/** Replaces an answer that has grown too old to count. */
export async function saveAnswer(db: Database, row: IdempotencyRow): Promise<void> {
  const { status, body, fingerprint, createdAt } = row;
  await db
    .insert(idempotency)
    .values(row)
    .onConflictDoUpdate({
      target: [idempotency.keyId, idempotency.keyHash],
      set: { status, body, fingerprint, createdAt },
    });
}

/** Removes some answers that have grown too old; how many. */
export async function purgeAnswers(db: Database, most: number): Promise<number> {
  const rows = await db.execute(sql`
    delete from idempotency where ctid = any(array(
      select ctid from idempotency where created_at < rotor_now() - make_interval(hours => ${keptHours}) limit ${most}))
    returning 1`);
  return rows.length;
}

export function digest(...parts: string[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}
