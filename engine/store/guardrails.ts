// What a workspace wants checked. The rules of a guarded workspace are read once per version of them.

import { type GuardrailConfig, type PiiKind, shownEntries } from "@rotorsh/contract";
import { sql } from "drizzle-orm";
import type { GuardRules, ListKind, OnError } from "../core/guardrail/verdict.ts";
import { must } from "../must.ts";
import type { Database, Statements } from "./database.ts";
import { listEntries } from "./guardrail-lists.ts";

/** How many entries each list has. */
export type Counts = Record<ListKind, number>;

export type ConfigRow = Counts & {
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
  dnc_email: 0,
  dnc_domain: 0,
  competitor: 0,
  updated_at: null,
};

export async function findConfig(db: Database, workspaceId: string): Promise<ConfigRow | undefined> {
  const [row] = await db.execute<ConfigRow>(sql`
    select *, to_json(pii_kinds) as pii_kinds from guardrail_config where workspace_id = ${workspaceId}`);
  return row;
}

/**
 * The workspace's configuration, made if there is none, and locked until the transaction ends: counts stay right, and
 * nobody who adds to a list misses that a change is switching the guardrails off.
 */
export async function lockConfig(db: Database, workspaceId: string, id: string): Promise<ConfigRow> {
  await db.execute(sql`
    insert into guardrail_config (workspace_id, id, updated_at) values (${workspaceId}, ${id}, rotor_now())
    on conflict do nothing`);
  const [row] = await db.execute<ConfigRow>(sql`
    select *, to_json(pii_kinds) as pii_kinds from guardrail_config where workspace_id = ${workspaceId} for update`);
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
  await saveCounts(db, workspaceId, row);
}

/** For whoever holds the configuration's lock. */
export async function saveCounts(db: Database, workspaceId: string, counts: Counts): Promise<void> {
  const { dnc_email: emails, dnc_domain: domains, competitor } = counts;
  await db.execute(sql`
    update guardrail_config set dnc_email = ${emails}, dnc_domain = ${domains}, competitor = ${competitor}
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

export async function toConfig(db: Database, workspaceId: string, row: ConfigRow): Promise<GuardrailConfig> {
  const shown = async (kind: ListKind) =>
    (await listEntries(db, workspaceId, kind, { limit: shownEntries, cursor: undefined })).data.map(
      ({ value }) => value,
    );
  return {
    id: row.id,
    dncEmails: await shown("dnc_email"),
    dncDomains: await shown("dnc_domain"),
    competitorDomains: await shown("competitor"),
    dnc_email_count: row.dnc_email,
    dnc_domain_count: row.dnc_domain,
    competitor_domain_count: row.competitor,
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

/** Those of the workspaces where something is checked. */
export async function findGuarded(db: Database, workspaceIds: readonly string[]): Promise<Set<string>> {
  const ids = JSON.stringify([...new Set(workspaceIds)]);
  const rows = await db.execute<{ id: string }>(sql`
    select id from workspace where guard_version is not null
      and id = any(array(select json_array_elements_text(${ids}::text::json)))`);
  return new Set(rows.map(({ id }) => id));
}
