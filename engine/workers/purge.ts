// Removes what is past its time: a bounded amount per round, so that no round holds up what people wait for.

import type { Sql } from "postgres";
import type { Services } from "../handler.ts";
import { purgeGuardrails } from "../store/guardrail-lists.ts";
import * as store from "../store/purge.ts";
import { purgeEvents, purgeOrphanRuns, purgeRuns, purgeSignals } from "../store/purge-runs.ts";

const batch = 1000;
/** Batches of jobs in one round. */
const mostBatches = 200;

/** A run of many steps is a lot to remove, so fewer go at once. */
const runBatch = 100;

/** Removes one batch; true when there may be more. */
type Task = () => Promise<boolean>;

export async function purge({ databases: { sql } }: Services, batches = mostBatches): Promise<void> {
  while (await store.deleteOrphanQueues(sql, batch));
  const gone = await store.listGoneQueues(sql, batch);
  const aged = await store.findAgedQueues(sql);
  const tasks: Task[] = [
    // A replay lists up to 100,000 jobs.
    async () => (await store.purgeReplays(sql, 1)) > 0,
    async () => (await store.purgeApprovals(sql, batch)) === batch,
    async () => (await purgeGuardrails(sql, batch)) === batch,
    async () => (await store.purgeMinutes(sql, batch)) === batch,
    async () => (await store.purgeSchedules(sql, batch)) > 0,
    ...[purgeOrphanRuns, purgeRuns, purgeEvents, purgeSignals].map(
      (purgeSome) => async () => (await purgeSome(sql, runBatch)) > 0,
    ),
    ...gone.map((uid) => () => purgeGone(sql, uid)),
    ...aged.map((one) => purgeAged(sql, one)),
  ];
  await takeTurns(tasks, batches);
}

/** A batch each in turn, beginning anywhere: however much one of them has, the others are not kept waiting. */
async function takeTurns(tasks: Task[], batches: number): Promise<void> {
  const first = Math.floor(Math.random() * tasks.length);
  let turn = [...tasks.slice(first), ...tasks.slice(0, first)];
  for (let left = batches; left > 0 && turn.length > 0; ) {
    const next: Task[] = [];
    for (const task of turn) if (left-- > 0 && (await task())) next.push(task);
    turn = next;
  }
}

async function purgeGone(sql: Sql, uid: number): Promise<boolean> {
  if ((await store.purgeGoneJobs(sql, uid, batch)) === batch) return true;
  await store.forgetGoneQueue(sql, uid);
  return false;
}

function purgeAged(sql: Sql, aged: store.AgedQueue): Task {
  let seq = 0;
  return async () => {
    const { afterSeq, done } = await store.purgeAged(sql, aged, seq, batch);
    seq = afterSeq;
    return !done;
  };
}
