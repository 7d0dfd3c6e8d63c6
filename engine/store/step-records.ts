// Steps that ended, as checkpoints and the ends of drives bring them.

import type { Memo, StepRecord } from "@rotorsh/contract";
import type postgres from "postgres";
import { newId } from "../ids.ts";

/** A finished step together with the lease it was executed under. */
export type SentStep = { run: string; token: string; step: StepRecord };

/** The records as `keep_steps` reads them. */
export type Records = {
  json: string;
  /** Does any of them send an event? */
  sends: boolean;
  /** For each step its place, or that of the same step in another message under the same lease: the first counts. */
  firsts: number[];
};

export function toRecords(sent: readonly SentStep[]): Records {
  const places = new Map<string, number>();
  const firsts = sent.map(({ run, token, step }, ord) => {
    const place = `${run}|${token}|${step.key}`;
    const first = places.get(place) ?? ord;
    places.set(place, first);
    return first;
  });
  const records = sent.flatMap((one, ord) => (firsts[ord] === ord ? [toRecord(one, ord)] : []));
  return { json: JSON.stringify(records), sends: sent.some(({ step }) => step.send), firsts };
}

function toRecord({ run, token, step }: SentStep, ord: number) {
  return {
    ord,
    run,
    token,
    key: step.key,
    name: step.name,
    kind: step.kind,
    outcome: JSON.stringify(toOutcome(step.outcome)),
    attempt: step.attempt,
    ms: Math.round(Math.min(step.durationMs, 2_000_000_000)),
    ...(step.send && {
      send_id: newId("evt"),
      send_name: step.send.name,
      send_data: JSON.stringify(step.send.data ?? null),
      send_ts: step.send.ts === undefined ? null : Math.round(step.send.ts),
    }),
  };
}

/** JSON drops a field that is undefined, and an outcome must keep its one field. */
function toOutcome(outcome: Memo): Memo {
  return "error" in outcome ? outcome : { ok: outcome.ok ?? null };
}

export type KeptStep = { held: boolean; kept: boolean };

/** What `keep_steps` answers, as one line per record, in order: it says nothing where all were kept. */
export function toKept({ firsts }: Records, rows: readonly ({ ord: number } & KeptStep)[]): KeptStep[] {
  const told = new Map(rows.map((row) => [row.ord, row]));
  return firsts.map((first, ord) => {
    const { held, kept } = told.get(first) ?? { held: true, kept: true };
    return { held, kept: kept && first === ord };
  });
}

/** The outcomes that count, of steps that were recorded before. */
export async function findOutcomes<Sent extends SentStep>(
  sql: postgres.Sql,
  steps: readonly Sent[],
): Promise<(Sent & { key: string; outcome: Memo })[]> {
  const rows = await sql<{ ord: string; outcome: string }[]>`
    select a.ord, s.outcome from unnest(${steps.map(({ run }) => run)}::text[], ${steps.map(({ step }) => step.key)}::text[])
      with ordinality as a (run, key, ord)
    cross join lateral (
      select outcome from step where run_id = a.run and key = a.key and outcome is not null offset 0) s`;
  return rows.flatMap(({ ord, outcome }) => {
    const sent = steps[Number(ord) - 1];
    return sent ? [{ ...sent, key: sent.step.key, outcome: JSON.parse(outcome) as Memo }] : [];
  });
}
