// Reading the event log.

import type { Contract, OutputOf } from "@rotorsh/contract";
import { sql } from "drizzle-orm";
import type { Database } from "./database.ts";
import { decodeCursor, encodeCursor, type Page } from "./page.ts";

type Row = {
  id: string;
  seq: string;
  name: string;
  data: string;
  ts: string;
  published_at: string | null;
  source_run: string | null;
  provenance: Record<string, unknown>;
  created_at: string;
};

type Event = OutputOf<Contract["events"]["list"]>["data"][number];

/** A filter by name looks at no more rows than this per page. */
const mostLookedAt = 20_000;

export async function listEvents(
  db: Database,
  workspaceId: string,
  { limit, cursor, name }: Page & { name?: string | undefined },
) {
  const before = decodeCursor(cursor, ["number"])?.[0] ?? Number.MAX_SAFE_INTEGER;
  const most = name === undefined ? limit + 1 : mostLookedAt;
  const rows = await db.execute<Row>(sql`
    select id, seq, name, ts, published_at, source_run, created_at from event
    where workspace_id = ${workspaceId} and seq < ${before} order by seq desc limit ${most}`);
  const fitting = rows.filter((row) => name === undefined || row.name === name);
  const kept = fitting.slice(0, limit);
  const last = fitting.length > limit ? kept.at(-1) : rows.length === most ? rows.at(-1) : undefined;
  return { data: kept.map(toEvent), nextCursor: last ? encodeCursor([Number(last.seq)]) : null };
}

export async function findEvent(db: Database, workspaceId: string, id: string) {
  const [row] = await db.execute<Row>(
    sql`select * from event where workspace_id = ${workspaceId} and id = ${id}`,
  );
  if (!row) return undefined;
  const runs = await db.execute<{ id: string; workflow: string; status: string }>(sql`
    select id, workflow_id as workflow, status from run
    where workspace_id = ${workspaceId} and event_id = ${id} order by seq`);
  return { ...toEvent(row), data: JSON.parse(row.data) as unknown, runs: [...runs], sent_by: row.provenance };
}

function toEvent(row: Row): Event {
  const iso = (time: string) => new Date(time).toISOString();
  return {
    id: row.id,
    name: row.name,
    ts: iso(row.ts),
    published_at: row.published_at === null ? null : iso(row.published_at),
    source_run: row.source_run,
    created_at: iso(row.created_at),
  };
}
