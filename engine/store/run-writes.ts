// What the runs of one process need written, in one statement: steps that ended, drives that came to an end, and new
// runs. A statement of its own for each costs the database, and whoever waits for it, more than what it writes.

import type postgres from "postgres";
import type { Access } from "./database.ts";
import { type DriveEnd, endParameters } from "./run-finish.ts";
import { type NewRun, type Started, startParameters, type Take, toStarted } from "./run-start.ts";
import { type KeptStep, type SentStep, toKept, toRecords } from "./step-records.ts";

export type RunWrites = {
  steps: readonly SentStep[];
  /** Simple ones; see isSimple. */
  ends: readonly DriveEnd[];
  runs: readonly NewRun[];
  take: Take;
  access: Access;
};

/**
 * One line for each step and each run, in order, where a duplicate is still to be named; and the leases, as
 * `<run>.<token>`, by which a run ended.
 */
export type RunsWritten = { kept: KeptStep[]; ended: Set<string>; started: Started[] };

type Part = { text: string; parameters: unknown[] };
type Row = {
  part: string;
  ord: number | null;
  held: boolean | null;
  done: boolean | null;
  name: string | null;
};

export async function writeRuns(
  sql: postgres.Sql,
  { steps, ends, runs, take, access }: RunWrites,
): Promise<RunsWritten> {
  const records = toRecords(steps);
  const starts = startParameters(runs, take);
  const endings = endParameters(ends);
  const parts: Part[] = [];
  if (steps.length > 0 && ends.length > 0) {
    const text =
      "select 'lock' as part, null::int as ord, true as held, true as done, null::text as name from (select lock_runs(?::text::json, ?::text::json)) locked";
    parts.push({ text, parameters: [records.json, endings[2]] });
  }
  if (steps.length > 0) {
    const text =
      "select 'step' as part, ord, held, kept as done, null::text as name from keep_steps(?::text::json, ?)";
    parts.push({ text, parameters: [records.json, records.sends] });
  }
  if (ends.length > 0) {
    const text =
      "select 'end' as part, null::int as ord, true as held, true as done, run as name from end_alone(?::text::json, ?, ?::text::json) run";
    parts.push({ text, parameters: endings });
  }
  if (runs.length > 0) {
    const text =
      "select 'run' as part, ord, true as held, created as done, named as name from insert_runs(?::text::json, ?, ?)";
    parts.push({ text, parameters: [starts.json, take.leaseMs, access] });
  }
  const rows = await send(sql, parts);
  const of = (part: string) => rows.filter((row) => row.part === part);
  const started = toStarted(
    runs,
    starts.leases,
    of("run").map(({ ord, done, name }) => ({ ord: Number(ord), created: done === true, named: name ?? "" })),
    take,
  );
  return {
    kept: toKept(
      records,
      of("step").map(({ ord, held, done }) => ({
        ord: Number(ord),
        held: held === true,
        kept: done === true,
      })),
    ),
    ended: new Set(of("end").map(({ name }) => name ?? "")),
    started,
  };
}

/** The parts are executed in their order. */
function send(sql: postgres.Sql, parts: readonly Part[]): Promise<Row[]> {
  let count = 0;
  const text = parts.map(({ text }) => text.replaceAll("?", () => `$${++count}`)).join(" union all ");
  const parameters = parts.flatMap(({ parameters }) => parameters) as never[];
  return sql.unsafe<Row[]>(text, parameters, { prepare: true });
}
