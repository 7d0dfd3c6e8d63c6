// Removes what is past its time: a bounded amount per round, so that no round holds up what people wait for.

import type { Services } from "../handler.ts";
import * as store from "../store/purge.ts";

const batch = 1000;
/** Batches of jobs in one round. */
const mostBatches = 200;

export async function purge({ databases }: Services): Promise<void> {
  const { sql } = databases;
  const round = { left: mostBatches };
  while (await store.deleteOrphanQueues(sql, batch));
  for (const uid of await store.listGoneQueues(sql, batch)) {
    while (round.left-- > 0 && (await store.purgeGoneJobs(sql, uid, batch)) === batch);
    await store.forgetGoneQueue(sql, uid);
  }
  for (const aged of await store.findAgedQueues(sql)) {
    for (let seq = 0; round.left-- > 0; ) {
      const { afterSeq, done } = await store.purgeAged(sql, aged, seq, batch);
      if (done) break;
      seq = afterSeq;
    }
  }
  // A replay lists up to 100,000 jobs.
  while (round.left-- > 0 && (await store.purgeReplays(sql, 1)) > 0);
  while (round.left-- > 0 && (await store.purgeMinutes(sql, batch)) === batch);
}
