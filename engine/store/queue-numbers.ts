// How many jobs a queue has in each state, and how fast they go: from totals, never by counting rows.

import type postgres from "postgres";

const foldBatch = 5000;

/** Adds what was appended since to the totals and to the minutes. Any number of processes may fold at once. */
export async function foldFlow(sql: postgres.Sql): Promise<void> {
  for (;;) {
    const [row] = await sql<{ folded: number }[]>`select fold_flow(${foldBatch}) as folded`;
    if ((row?.folded ?? 0) < foldBatch) return;
  }
}
