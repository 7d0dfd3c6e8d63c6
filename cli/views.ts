// What an answer looks like to people: a list is a table, a thing is its fields, and a few have a view of their own.

import type { Json } from "@rotorsh/contract";
import { cell } from "./cell.ts";
import { columnsFor } from "./columns.ts";
import { toTable } from "./table.ts";
import { pad, width } from "./text.ts";

/** Fields the server tells once and never again. */
const shownOnce = ["callback_secret", "key", "secret", "signing_key"];

const views: Record<string, (output: Json) => string[]> = { status: statusLines, usage: usageLines };

export type View = {
  lines: string[];
  /** Secrets that nobody will be shown again. */
  secrets: { name: string; value: string }[];
  nextCursor: string | undefined;
};

export function viewOf(words: readonly string[], output: Json, columns: number | undefined): View {
  const own = views[words.join(" ")];
  const rows = rowsOf(output);
  const secrets = own || rows ? [] : secretsIn(output);
  const hidden = new Set(secrets.map(({ name }) => name));
  const shown = Object.fromEntries(Object.entries(output).filter(([name]) => !hidden.has(name)));
  const lines = own ? own(output) : rows ? listLines(words, rows, columns) : fieldLines(shown, columns);
  return {
    lines,
    secrets,
    nextCursor: typeof output.nextCursor === "string" ? output.nextCursor : undefined,
  };
}

/** The entries, when the answer is a list. */
export function rowsOf(output: Json): Json[] | undefined {
  if (!("nextCursor" in output)) return undefined;
  return Object.values(output).find((value) => Array.isArray(value)) as Json[] | undefined;
}

function listLines(words: readonly string[], rows: Json[], columns: number | undefined): string[] {
  const shown = columnsFor(words, rows);
  if (rows.length === 0) return [];
  const cells = rows.map((row) => shown.map(({ read }) => read(row)));
  return toTable(
    shown.map(({ title }) => title),
    cells,
    columns,
  );
}

/** The fields, and below them a table for each that is a list of things. */
function fieldLines(output: Json, columns: number | undefined): string[] {
  const entries = Object.entries(output);
  const flat = entries.filter(([, value]) => !isTable(value));
  const longest = Math.max(0, ...flat.map(([name]) => width(name)));
  const tables = entries.filter((entry): entry is [string, Json[]] => isTable(entry[1]));
  return [
    ...flat.map(([name, value]) => `${pad(name, longest)}  ${cell(value)}`),
    ...tables.flatMap(([name, rows]) => ["", `${name}:`, ...listLines([], rows, columns)]),
  ];
}

function isTable(value: unknown): value is Json[] {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((item) => typeof item === "object" && item !== null)
  );
}

function secretsIn(output: Json): View["secrets"] {
  return shownOnce
    .filter((name) => typeof output[name] === "string")
    .map((name) => ({ name, value: cell(output[name]) }));
}

type Quota = { used: number; limit: number | null; plan: string; resetAt: string };

function statusLines(output: Json): string[] {
  const { api, database, broker, redis, version, quota } = output;
  const parts = { API: api, Database: database, Broker: broker, Redis: redis, Version: version };
  return [
    ...Object.entries(parts)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => `${name}: ${cell(value)}`),
    ...quotaLines(quota as Quota),
  ];
}

function usageLines(output: Json): string[] {
  const { from, to } = output.period as { from: string; to: string };
  const { total, byQueue } = output.executions as { total: number; byQueue: Record<string, number> };
  const rows = Object.entries(byQueue)
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => [cell(name), number(count)]);
  return [
    `Period: ${day(from)} to ${day(to)}`,
    `Executions: ${number(total)}`,
    ...quotaLines(output.quota as Quota),
    ...(rows.length > 0 ? ["", ...toTable(["QUEUE", "EXECUTIONS"], rows)] : []),
  ];
}

function quotaLines({ used, limit, plan, resetAt }: Quota): string[] {
  const most = limit === null ? "unlimited" : number(limit);
  return [
    `Plan: ${cell(plan)}`,
    `Quota: ${number(used)} / ${most} jobs used this period`,
    `Resets: ${day(resetAt)}`,
  ];
}

function number(value: number): string {
  return value.toLocaleString("en-US");
}

function day(time: string): string {
  return cell(time).slice(0, 10);
}
