// Steps that ended, as checkpoints and the ends of drives bring them.

import type { Memo, StepRecord } from "@rotorsh/contract";
import type postgres from "postgres";
import { newId } from "../ids.ts";

/** A finished step together with the lease it was executed under. */
export type SentStep = { run: string; token: string; step: StepRecord };

/** The records as `keep_steps` reads them. */
export function toRecords(sent: readonly SentStep[]): string {
  return JSON.stringify(
    sent.map(({ run, token, step }, ord) => ({
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
    })),
  );
}

/** JSON drops a field that is undefined, and an outcome must keep its one field. */
function toOutcome(outcome: Memo): Memo {
  return "error" in outcome ? outcome : { ok: outcome.ok ?? null };
}

export type KeptStep = { held: boolean; kept: boolean };

/** Keeps what is new; answers one line per record, in order. */
export async function keepSteps(sql: postgres.Sql, sent: readonly SentStep[]): Promise<KeptStep[]> {
  const rows = await sql<({ ord: number } & KeptStep)[]>`
    select ord, held, kept from keep_steps(${toRecords(sent)}::text::json)`;
  const kept: KeptStep[] = sent.map(() => ({ held: false, kept: false }));
  for (const { ord, ...row } of rows) kept[ord] = row;
  return kept;
}

/** The outcomes that count, of steps that were recorded before. */
export async function findOutcomes<Sent extends SentStep>(
  sql: postgres.Sql,
  steps: readonly Sent[],
): Promise<(Sent & { key: string; outcome: Memo })[]> {
  const rows = await sql<{ ord: string; outcome: string }[]>`
    select a.ord, s.outcome from unnest(${steps.map(({ run }) => run)}::text[], ${steps.map(({ step }) => step.key)}::text[])
      with ordinality as a (run, key, ord)
    join step s on s.run_id = a.run and s.key = a.key and s.outcome is not null`;
  return rows.flatMap(({ ord, outcome }) => {
    const sent = steps[Number(ord) - 1];
    return sent ? [{ ...sent, key: sent.step.key, outcome: JSON.parse(outcome) as Memo }] : [];
  });
}
