// What must hold of runs when everything is over.

import type { Sql } from "postgres";
import { groupBy } from "../group.ts";
import type { Story } from "../story.ts";

/** One execution of a step: where in its run, in which drive, and the values of the steps before it. */
export type Execution = { t: number; run: string; drive: string; at: number; name: string; seen: string[] };

export type Sent = { nonce: string; workflow: string; runId?: string; cancelled?: boolean };

export type RunRow = {
  id: string;
  workflow: string;
  status: string;
  nonce: string;
  output: unknown;
  error: string | null;
  parent: string | null;
};

export async function readRuns(sql: Sql): Promise<RunRow[]> {
  return sql<RunRow[]>`
    select id, workflow_id as workflow, status, input::json->>'nonce' as nonce, output::json as output, error,
      parent_run as parent from run`;
}

/** I1, I2: what was acknowledged is there once, and came to the end it should. */
export function checkRuns(runs: readonly RunRow[], sent: readonly Sent[], story: Story): void {
  const byNonce = groupBy(runs, ({ nonce }) => nonce);
  for (const { nonce, runId, cancelled } of sent) {
    const found = byNonce.get(nonce) ?? [];
    if (found.length > 1) story.accuse(`I1: ${nonce} is ${found.length} runs`);
    if (!runId) continue;
    const [run] = found;
    if (run?.id !== runId) story.accuse(`I1: ${nonce} was acknowledged as ${runId}, and is ${run?.id}`);
    else if (cancelled && run.status !== "cancelled")
      story.accuse(`I2: ${runId} was cancelled and is ${run.status}`);
  }
  const told = new Set(sent.filter(({ cancelled }) => cancelled).map(({ runId }) => runId));
  for (const { id, status, error, parent } of runs) {
    if (status === "completed" || (status === "cancelled" && told.has(parent ?? id))) continue;
    story.accuse(`I2: ${id} is ${status}: ${error}`);
  }
  const echoes = new Set(runs.filter(({ workflow }) => workflow === "echo").map(({ nonce }) => nonce));
  for (const { id, workflow, status } of runs) {
    if (workflow !== "mixed" || status !== "completed") continue;
    const count = byNonce.get(`echo-${id}`)?.length ?? 0;
    if (count !== 1) story.accuse(`the event that ${id} sent started ${count} runs`);
    echoes.delete(`echo-${id}`);
  }
}

/**
 * I3: every drive sees the same result of a step, and the run's output is made of them. And a step whose result was
 * acknowledged is not executed again: the next one only began because of the acknowledgement.
 */
export function checkExecutions(
  executions: readonly Execution[],
  runs: readonly RunRow[],
  story: Story,
): void {
  const outputs = new Map(
    runs.map(({ id, status, output }) => [id, status === "completed" ? (output as string[]) : []]),
  );
  for (const [run, all] of groupBy(executions, (one) => one.run)) {
    const known: (string | undefined)[] = [...(outputs.get(run) ?? [])];
    let furthest = { at: -1, t: 0, drive: "" };
    for (const { t, at, name, seen, drive } of [...all].sort((a, b) => a.t - b.t)) {
      seen.forEach((value, index) => {
        known[index] ??= value;
        if (known[index] !== value)
          story.accuse(`I3: value ${index} of ${run} was ${known[index]} and ${value}`);
      });
      if (at < furthest.at) {
        story.accuse(
          `I4: ${run} executed ${name} again in drive ${drive}, after ${furthest.drive} had gone beyond it`,
        );
      }
      if (at > furthest.at) furthest = { at, t, drive };
    }
  }
}

export async function checkLedger(sql: Sql, story: Story): Promise<void> {
  const rows = await sql`
    select 'waits of an ended run' as what, w.run_id as id from waiter w join run r on r.id = w.run_id where r.ended_at is not null
    union all select 'a lease of an ended run', id from run where ended_at is not null and lease is not null
    union all select 'steps of no run', run_id from step s where not exists (select from run r where r.id = s.run_id)
    union all select 'an unpublished event', id from event where due_at is not null
    union all select 'usage: ' || (select coalesce(sum(executions), 0) from usage where queue_name = ''), count(*)::text
      from run having count(*) <> (select coalesce(sum(executions), 0) from usage where queue_name = '')`;
  for (const row of rows) story.accuse(`left over: ${row.what}: ${row.id}`);
}
