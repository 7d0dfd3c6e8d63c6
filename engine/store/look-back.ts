// I7: an event that was published before its wait was registered, and after the run could go on from the wait before,
// is the wait's all the same. The locks of the events' names are held: nothing is published meanwhile.

import { equalityOf } from "@rotorsh/contract";
import { sql } from "drizzle-orm";
import { compileMatch, isMatching } from "../match-cache.ts";
import type { Database } from "./database.ts";
import type { Resolved } from "./waiters.ts";

export type NewWait = {
  run: string;
  workspaceId: string;
  key: string;
  event: string;
  match: string | undefined;
  /** Events since then count, */
  since: string;
  /** but not the one that started the run, nor those that ended other waits of it. */
  trigger: string | null;
};

type Place = { since: string; after: number };
type Row = { ord: number; id: string; data: string; ts: string; at: string; seq: string };

const mostWaits = 100;
/** An event may be large: so many are brought from the database at once. */
const mostEvents = 500;

/** For each wait the first event that fits it, if there was one. */
export async function lookBack(db: Database, waits: readonly NewWait[]): Promise<Resolved[]> {
  const found: Resolved[] = [];
  for (let from = 0; from < waits.length; from += mostWaits) {
    let open = waits.slice(from, from + mostWaits).map((wait) => ({ wait, since: wait.since, after: 0 }));
    // Nearly always the first candidate fits, or there is none.
    for (let each = 1; open.length > 0; each = Math.floor(mostEvents / open.length)) {
      const rows = await readCandidates(db, open, each);
      open = open.flatMap(({ wait }, ord) => {
        const page = rows.filter((row) => row.ord === ord);
        const event = page.find((row) => isFitting(wait, row));
        if (event) found.push(toResolved(wait, event));
        const last = page.at(-1);
        return event || !last || page.length < each
          ? []
          : [{ wait, since: last.at, after: Number(last.seq) }];
      });
    }
  }
  return found;
}

/** The next events that each of the waits may be for, in the order they were published. */
async function readCandidates(
  db: Database,
  open: readonly (Place & { wait: NewWait })[],
  each: number,
): Promise<Row[]> {
  const sent = open.map(({ wait: { run, workspaceId: ws, event, match, trigger }, since, after }, ord) => ({
    ...{ ord, run, ws, event, trigger, since, after },
    needle: needleOf(match),
  }));
  return db.execute<Row>(sql`
    select w.ord, e.id, e.data, extract(epoch from e.ts) * 1000 as ts, e.published_at as at, e.seq
    from json_to_recordset(${JSON.stringify(sent)}::text::json) as w (
      ord int, run text, ws text, event text, trigger text, since timestamptz, after bigint, needle text)
    cross join lateral (
      select * from event where workspace_id = w.ws and name = w.event and (published_at, seq) > (w.since, w.after)
        and (w.needle is null or strpos(data, w.needle) > 0) and id is distinct from w.trigger
        and not exists (select from step where run_id = w.run and event_id = event.id)
      order by published_at, seq limit ${each} offset 0) e
    order by w.ord, e.published_at, e.seq`);
}

function isFitting({ match, event: name }: NewWait, { id, data, ts }: Row): boolean {
  return isMatching(match ?? null, { id, name, data: JSON.parse(data) as unknown, ts: Number(ts) });
}

function toResolved({ run, key }: NewWait, { id, data }: Row): Resolved {
  return { run, key, outcome: { ok: JSON.parse(data) as unknown }, eventId: id };
}

/**
 * A text that the data of every event holds which the match fits, so that the database can leave out most of the
 * others: data is stored as JSON.stringify writes it, and so is what this looks for.
 */
export function needleOf(match: string | undefined): string | null {
  const equality = match === undefined ? undefined : equalityOf(compileMatch(match));
  if (!equality || equality.value === null || equality.path[0] !== "data") return null;
  const field = equality.path.length > 1 ? (equality.path.at(-1) as string) : "";
  // The length of a list is not written down.
  if (field === "length") return null;
  const value = JSON.stringify(equality.value);
  // Elements of a list have no name.
  return field === "" || /^\d+$/.test(field) ? value : `${JSON.stringify(field)}:${value}`;
}
