// A workspace's lists: a million entries at most, never read whole. An entry is found by the number it is compared by.

import { sql } from "drizzle-orm";
import type { ListKind } from "../core/guardrail/verdict.ts";
import type { Database, Statements } from "./database.ts";
import { decodeCursor, type Page, toPage } from "./page.ts";

export type Entry = { value: string; hash: string };

/** Postgres is given so many at once. */
const entriesPerStatement = 5000;

/**
 * Answers how many were new. Entries are made of what was sent while the list is written, part by part: a million at
 * once would keep everybody else in this process waiting.
 */
export async function addEntries(
  db: Database,
  workspaceId: string,
  kind: ListKind,
  values: readonly string[],
  toEntry: (value: string, index: number) => Entry,
): Promise<number> {
  let added = 0;
  for (let from = 0; from < values.length; from += entriesPerStatement) {
    const entries = new Map<string, Entry>();
    for (const [index, value] of values.slice(from, from + entriesPerStatement).entries()) {
      const entry = toEntry(value, from + index);
      if (!entries.has(entry.hash)) entries.set(entry.hash, entry);
    }
    const part = JSON.stringify([...entries.values()]);
    // In the order of their keys, so that two calls with the same entries do not wait for each other.
    const [row] = await db.execute<{ n: number }>(sql`
      with made as (
        insert into guardrail_entry (workspace_id, kind, value, hash, added_at)
        select ${workspaceId}, ${kind}, e.value, e.hash, rotor_now()
        from json_to_recordset(${part}::text::json) as e (value text, hash bigint) order by e.hash
        on conflict do nothing returning 1)
      select count(*)::int as n from made`);
    added += row?.n ?? 0;
  }
  return added;
}

/** The whole list is what is given, in one transaction: nobody ever meets half of it. Answers how many that are. */
export async function replaceEntries(
  db: Database,
  workspaceId: string,
  kind: ListKind,
  values: readonly string[],
  toEntry: (value: string, index: number) => Entry,
): Promise<number> {
  await db.execute(sql`delete from guardrail_entry where workspace_id = ${workspaceId} and kind = ${kind}`);
  return addEntries(db, workspaceId, kind, values, toEntry);
}

export async function removeEntry(db: Database, workspaceId: string, hash: string, dryRun: boolean) {
  const own = sql`workspace_id = ${workspaceId} and hash = ${hash}::bigint and kind = 'dnc_email'`;
  const rows = dryRun
    ? await db.execute(sql`select 1 from guardrail_entry where ${own}`)
    : await db.execute(sql`delete from guardrail_entry where ${own} returning 1`);
  return rows.length > 0;
}

export async function listEntries(db: Database, workspaceId: string, kind: ListKind, page: Page) {
  const after = decodeCursor(page.cursor, ["text"])?.[0] ?? "";
  const rows = await db.execute<{ value: string; added_at: string }>(sql`
    select value, added_at from guardrail_entry
    where workspace_id = ${workspaceId} and kind = ${kind} and value > ${after} order by value limit ${page.limit + 1}`);
  return toPage(
    [...rows],
    page.limit,
    (row) => [row.value],
    (row) => ({ value: row.value, added_at: new Date(row.added_at).toISOString() }),
  );
}

export type Question = { workspaceId: string; hashes: readonly string[] };

/** Which lists each question is on. One statement for all of them, one look into the index for each number. */
export async function findListed(sql: Statements, questions: readonly Question[]): Promise<ListKind[][]> {
  const workspaces = [...new Set(questions.map(({ workspaceId }) => workspaceId))];
  const numbers = new Map(workspaces.map((id, index) => [id, index + 1]));
  const [places, owners, hashes]: [number[], number[], string[]] = [[], [], []];
  for (const [place, { workspaceId, hashes: asked }] of questions.entries()) {
    for (const hash of asked) {
      places.push(place);
      owners.push(numbers.get(workspaceId) as number);
      hashes.push(hash);
    }
  }
  const found: ListKind[][] = questions.map(() => []);
  if (hashes.length === 0) return found;
  // An array, and of each workspace one element: reading JSON anew for every hash cost more than all the rest.
  const rows = await sql<{ place: number; kind: ListKind }[]>`
    select distinct a.place, e.kind
    from unnest(${`{${places.join()}}`}::text::int[], ${`{${owners.join()}}`}::text::int[], ${`{${hashes.join()}}`}::text::bigint[])
        as a (place, owner, hash),
      lateral (select kind from guardrail_entry
        where workspace_id = ((select ${`{${workspaces.join()}}`}::text::text[]))[a.owner] and guardrail_entry.hash = a.hash offset 0) e`;
  for (const { place, kind } of rows) found[place]?.push(kind);
  return found;
}

/** 1 for each list that has entries, else 0. */
export async function countListKinds(
  sql: Statements,
  workspaceId: string,
): Promise<Record<ListKind, number>> {
  const rows = await sql<{ kind: ListKind; n: number }[]>`
    select kind, (exists (select from guardrail_entry e where e.workspace_id = ${workspaceId} and e.kind = k.kind))::int as n
    from unnest('{dnc_email,dnc_domain,competitor}'::text[]) k (kind)`;
  return Object.fromEntries(rows.map(({ kind, n }) => [kind, n])) as Record<ListKind, number>;
}

/** Of deleted workspaces: what they wanted checked, and whom they were not to contact; answers how many rows. */
export async function purgeGuardrails(sql: Statements, most: number): Promise<number> {
  const rows = await sql`
    with gone as (select id from workspace where deleted_at is not null), config as (
      delete from guardrail_config c using gone g where c.workspace_id = g.id
    ), usage as (
      delete from guardrail_usage u using gone g where u.workspace_id = g.id
    )
    delete from guardrail_entry where ctid in (
      select e.ctid from gone g, lateral (
        select ctid from guardrail_entry where workspace_id = g.id limit ${most}) e limit ${most})
    returning 1`;
  return rows.length;
}
