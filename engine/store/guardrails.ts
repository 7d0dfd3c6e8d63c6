// What a workspace wants checked, and its lists. The rules of a guarded workspace are read once per version of them;
// its lists are never read whole, only asked.

import { type GuardrailConfig, type PiiKind, shownEntries } from "@rotorsh/contract";
import { sql } from "drizzle-orm";
import type { GuardRules, ListKind, OnError } from "../core/guardrail/verdict.ts";
import { must } from "../must.ts";
import type { Database, Statements } from "./database.ts";
import { decodeCursor, type Page, toPage } from "./page.ts";

export type ConfigRow = {
  id: string;
  pii_enabled: boolean;
  pii_mode: "redact" | "block";
  pii_kinds: PiiKind[];
  pii_country: string;
  tone_enabled: boolean;
  tone_rubric: string | null;
  tone_threshold: number;
  tone_model: string;
  tone_daily_limit: number;
  on_error: OnError | null;
  updated_at: string | null;
};

export const unconfigured: ConfigRow = {
  id: "grc_none",
  pii_enabled: false,
  pii_mode: "redact",
  pii_kinds: ["email", "phone", "ssn", "card"],
  pii_country: "US",
  tone_enabled: false,
  tone_rubric: null,
  tone_threshold: 0.7,
  tone_model: "claude-haiku-4-5",
  tone_daily_limit: 10_000,
  on_error: null,
  updated_at: null,
};

export async function findConfig(db: Database, workspaceId: string): Promise<ConfigRow | undefined> {
  const [row] = await db.execute<ConfigRow>(sql`
    select *, to_json(pii_kinds) as pii_kinds from guardrail_config where workspace_id = ${workspaceId}`);
  return row;
}

/**
 * The workspace's configuration, made if there is none, and locked until the transaction ends: shared by those who
 * only add to lists, so that none of them misses that a change is switching the guardrails off.
 */
export async function lockConfig(
  db: Database,
  workspaceId: string,
  id: string,
  lock: "update" | "share",
): Promise<ConfigRow> {
  await db.execute(sql`
    insert into guardrail_config (workspace_id, id, updated_at) values (${workspaceId}, ${id}, rotor_now())
    on conflict do nothing`);
  const [row] = await db.execute<ConfigRow>(sql`
    select *, to_json(pii_kinds) as pii_kinds from guardrail_config where workspace_id = ${workspaceId} ${sql.raw(`for ${lock}`)}`);
  return must(row, "the guardrails of a workspace");
}

export async function saveConfig(db: Database, workspaceId: string, row: ConfigRow): Promise<void> {
  await db.execute(sql`
    update guardrail_config set pii_enabled = ${row.pii_enabled}, pii_mode = ${row.pii_mode},
      pii_kinds = array(select json_array_elements_text(${JSON.stringify(row.pii_kinds)}::text::json)),
      pii_country = ${row.pii_country}, tone_enabled = ${row.tone_enabled}, tone_rubric = ${row.tone_rubric},
      tone_threshold = ${row.tone_threshold}, tone_model = ${row.tone_model},
      tone_daily_limit = ${row.tone_daily_limit}, on_error = ${row.on_error}, updated_at = rotor_now()
    where workspace_id = ${workspaceId}`);
}

/** Says whether anything is checked, in a way that every request sees. */
export async function noteVersion(db: Database, workspaceId: string): Promise<void> {
  await db.execute(sql`
    update workspace w set guard_version = case
      when exists (select from guardrail_config c where c.workspace_id = w.id and (c.pii_enabled or c.tone_enabled))
        or exists (select from guardrail_entry e where e.workspace_id = w.id)
      then (extract(epoch from clock_timestamp()) * 1000000)::bigint end
    where w.id = ${workspaceId}`);
}

export type Entry = { value: string; hash: string };

/** Postgres is given so many at once. */
const entriesPerStatement = 20_000;

/** Answers how many were new. */
export async function addEntries(
  db: Database,
  workspaceId: string,
  kind: ListKind,
  entries: readonly Entry[],
): Promise<number> {
  let added = 0;
  for (let from = 0; from < entries.length; from += entriesPerStatement) {
    const part = JSON.stringify(entries.slice(from, from + entriesPerStatement));
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

/** The whole list is what is given, in one transaction: nobody ever meets half of it. */
export async function replaceEntries(
  db: Database,
  workspaceId: string,
  kind: ListKind,
  entries: readonly Entry[],
): Promise<void> {
  await db.execute(sql`delete from guardrail_entry where workspace_id = ${workspaceId} and kind = ${kind}`);
  await addEntries(db, workspaceId, kind, entries);
}

export async function removeEntry(db: Database, workspaceId: string, hash: string, dryRun: boolean) {
  const own = sql`workspace_id = ${workspaceId} and hash = ${hash}::bigint and kind = 'dnc_email'`;
  const rows = dryRun
    ? await db.execute(sql`select 1 from guardrail_entry where ${own}`)
    : await db.execute(sql`delete from guardrail_entry where ${own} returning 1`);
  return rows.length > 0;
}

export async function countEntries(db: Database, workspaceId: string): Promise<Record<ListKind, number>> {
  const rows = await db.execute<{ kind: ListKind; n: number }>(sql`
    select kind, count(*)::int as n from guardrail_entry where workspace_id = ${workspaceId} group by kind`);
  const none = { dnc_email: 0, dnc_domain: 0, competitor: 0 };
  return { ...none, ...Object.fromEntries(rows.map(({ kind, n }) => [kind, n])) };
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

export async function toConfig(db: Database, workspaceId: string, row: ConfigRow): Promise<GuardrailConfig> {
  const counts = await countEntries(db, workspaceId);
  const shown = async (kind: ListKind) =>
    (await listEntries(db, workspaceId, kind, { limit: shownEntries, cursor: undefined })).data.map(
      ({ value }) => value,
    );
  return {
    id: row.id,
    dncEmails: await shown("dnc_email"),
    dncDomains: await shown("dnc_domain"),
    competitorDomains: await shown("competitor"),
    dnc_email_count: counts.dnc_email,
    dnc_domain_count: counts.dnc_domain,
    competitor_domain_count: counts.competitor,
    ...toSettings(row),
  };
}

/** Everything but the lists. */
export function toSettings(row: ConfigRow) {
  return {
    piiRedactionEnabled: row.pii_enabled,
    piiMode: row.pii_mode,
    pii_kinds: row.pii_kinds,
    pii_country: row.pii_country,
    brandToneJudgeEnabled: row.tone_enabled,
    brandToneRubric: row.tone_rubric,
    brandToneThreshold: row.tone_threshold,
    brand_tone_model: row.tone_model,
    brand_tone_daily_limit: row.tone_daily_limit,
    on_error: row.on_error,
    updated_at: row.updated_at === null ? null : new Date(row.updated_at).toISOString(),
  };
}

export function toRules(row: ConfigRow): GuardRules {
  const { pii_mode: mode, pii_kinds: kinds, pii_country: country } = row;
  const tone = {
    rubric: row.tone_rubric ?? "",
    threshold: row.tone_threshold,
    model: row.tone_model,
    dailyLimit: row.tone_daily_limit,
  };
  return {
    pii: row.pii_enabled ? { mode, kinds, country } : null,
    tone: row.tone_enabled ? tone : null,
    onError: row.on_error,
  };
}

export type Question = { workspaceId: string; hashes: readonly string[] };

/** Which lists each question is on. One statement for all of them, one look into the index for each number. */
export async function findListed(sql: Statements, questions: readonly Question[]): Promise<ListKind[][]> {
  const [places, hashes]: [number[], string[]] = [[], []];
  for (const [place, question] of questions.entries()) {
    for (const hash of question.hashes) {
      places.push(place);
      hashes.push(hash);
    }
  }
  const found: ListKind[][] = questions.map(() => []);
  if (hashes.length === 0) return found;
  const workspaces = JSON.stringify(questions.map(({ workspaceId }) => workspaceId));
  const rows = await sql<{ place: number; kind: ListKind }[]>`
    select distinct a.place, e.kind
    from unnest(${`{${places.join()}}`}::text::int[], ${`{${hashes.join()}}`}::text::bigint[]) as a (place, hash),
      lateral (select kind from guardrail_entry
        where workspace_id = ${workspaces}::text::json ->> a.place and guardrail_entry.hash = a.hash offset 0) e`;
  for (const { place, kind } of rows) found[place]?.push(kind);
  return found;
}

/** Counts a judgement; false when the day's are used up. */
export async function takeJudgement(sql: Statements, workspaceId: string, limit: number): Promise<boolean> {
  const rows = await sql`
    insert into guardrail_usage as u (workspace_id, day, judged)
    select ${workspaceId}, (rotor_now() at time zone 'UTC')::date, 1 where ${limit}::int > 0
    on conflict (workspace_id, day) do update set judged = u.judged + 1 where u.judged < ${limit}::int
    returning 1`;
  return rows.length > 0;
}

/** Null where nothing is checked. */
export async function findGuardVersion(sql: Statements, workspaceId: string): Promise<number | null> {
  const [row] = await sql<{ version: string | null }[]>`
    select guard_version as version from workspace where id = ${workspaceId}`;
  return row?.version == null ? null : Number(row.version);
}

/** From the first entry on, jobs are looked at. Where that is so already nothing is written. */
export async function startGuarding(db: Database, workspaceId: string): Promise<void> {
  await db.execute(sql`
    update workspace set guard_version = (extract(epoch from clock_timestamp()) * 1000000)::bigint
    where id = ${workspaceId} and guard_version is null`);
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

/** Those of the workspaces where something is checked. */
export async function findGuarded(db: Database, workspaceIds: readonly string[]): Promise<Set<string>> {
  const ids = JSON.stringify([...new Set(workspaceIds)]);
  const rows = await db.execute<{ id: string }>(sql`
    select id from workspace where guard_version is not null
      and id = any(array(select json_array_elements_text(${ids}::text::json)))`);
  return new Set(rows.map(({ id }) => id));
}
