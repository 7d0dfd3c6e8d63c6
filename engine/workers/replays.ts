// Takes the next step of every replay that runs: look how what was sent fares, then send more, wait, or stop.

import { nextMove } from "../core/canary.ts";
import type { Services } from "../handler.ts";
import type { Database } from "../store/database.ts";
import { walkFailed } from "../store/failed-jobs.ts";
import { replayJobs } from "../store/job-bulk.ts";
import { findQueueRef, type QueueRef } from "../store/jobs.ts";
import {
  endReplay,
  lockRunning,
  noteSent,
  type ReplayRow,
  settleReplay,
  toCanary,
} from "../store/replays.ts";

/** A replay is looked at this often, by whichever process comes first. */
const restMs = 400;
/** Failed jobs looked at in one step. */
const windowRows = 5000;

export async function advanceReplays({ databases, wake }: Services): Promise<void> {
  for (;;) {
    const stepped = await databases.acrossWorkspaces((db) => step(db));
    if (stepped === undefined) return;
    wake([stepped]);
  }
}

/** The queue of the replay that was stepped; undefined when none is due. */
async function step(db: Database): Promise<number | undefined> {
  const locked = await lockRunning(db, restMs);
  if (!locked) return undefined;
  const uid = Number(locked.queue_uid);
  const queue = await findQueueRef(db, locked.workspace_id, locked.queue_name);
  // A new queue may have the old one's name.
  if (queue?.uid !== uid) {
    await endReplay(db, locked.id, "stopped", "queue_deleted");
    return uid;
  }
  const replay = await settleReplay(db, locked);
  const move = nextMove(toCanary(replay));
  if (move.kind === "send") await send(db, queue, replay, move.stage, move.most);
  if (move.kind === "stop") await endReplay(db, replay.id, "stopped", "error_rate");
  if (move.kind === "finish") await endReplay(db, replay.id, "completed");
  return uid;
}

async function send(
  db: Database,
  queue: QueueRef,
  replay: ReplayRow,
  stage: number,
  most: number,
): Promise<void> {
  const window = { most: windowRows, after: Number(replay.after_seq), upTo: Number(replay.up_to_seq) };
  const rows = await walkFailed(db, queue, replay.filter, window);
  const chosen = rows.filter(({ fits }) => fits).slice(0, most);
  const cut = rows.filter(({ fits }) => fits).length > most;
  const made = await replayJobs(
    db,
    queue,
    chosen.map(({ id }) => id),
    { ...replay.provenance, replay: replay.id },
  );
  await noteSent(db, replay, {
    stage,
    afterSeq: Number((cut ? chosen : rows).at(-1)?.seq ?? replay.after_seq),
    walked: !cut && rows.length < windowRows,
    ids: made.map(({ replay: id }) => id),
  });
}
