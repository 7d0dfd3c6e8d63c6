// The dead letters of a queue.

import { type Contract, invalidInput, type ParsedInputOf, RotorError } from "@rotorsh/contract";
import { checkConfirmation, previewOf } from "../confirm.ts";
import type { Context, Handlers } from "../handler.ts";
import { newId } from "../ids.ts";
import type { Database } from "../store/database.ts";
import * as failed from "../store/failed-jobs.ts";
import { findStates, replayJobs } from "../store/job-bulk.ts";
import type { QueueRef } from "../store/jobs.ts";
import { decodeCursor } from "../store/page.ts";
import * as replays from "../store/replays.ts";
import { provenanceOf } from "./jobs.ts";
import { filterOf, findQueue, previewFailed, walkFailed } from "./queue-work.ts";

type Sent = ParsedInputOf<Contract["dlq"]["replay"]>;

const mostGrouped = 20_000;
const mostCounted = 100_000;

export const dlq: Handlers<Contract>["dlq"] = {
  async list(input, context) {
    return failed.listFailed(context.db, await findQueue(input.name, context), input);
  },

  async groups({ name, limit }, context) {
    const queue = await findQueue(name, context);
    const { data, lookedAt } = await failed.groupFailures(context.db, queue, limit, mostGrouped);
    return { data, nextCursor: null, looked_at: lookedAt };
  },

  async replay(input, context) {
    const queue = await findQueue(input.name, context);
    const ids = idsIn(input);
    if (ids.length > 0) return replayIds(queue, ids, input, context);
    const after = decodeCursor(input.cursor, ["number"])?.[0];
    const preview = await previewFailed("dlq.replay", input, queue, after, context);
    if (preview) return { ...nothing, ...preview };
    return input.canary ? startCanary(queue, input, context) : replayAll(queue, input, after, context);
  },

  async getReplay({ name, id }, context) {
    const replay = await replays.findReplay(context.db, await findQueue(name, context), id);
    if (!replay) throw new RotorError("REPLAY_NOT_FOUND", { id });
    return replays.toReplay(replay);
  },

  async stopReplay({ name, id }, context) {
    const queue = await findQueue(name, context);
    const stopped = await replays.stopReplay(context.db, queue, id);
    if (stopped) context.record({ resource: name, after: { replay: id, sent: stopped.sent } });
    const replay = stopped ?? (await replays.findReplay(context.db, queue, id));
    if (!replay) throw new RotorError("REPLAY_NOT_FOUND", { id });
    return replays.toReplay(replay);
  },
};

const nothing = { replayed: 0, already_replayed: 0, not_failed: [], name_taken: [], remaining: 0 };

/** The ids that were asked for; none when a filter or `all` says which. */
function idsIn(input: Sent): string[] {
  const ids = [...new Set([...(input.job_id === undefined ? [] : [input.job_id]), ...(input.job_ids ?? [])])];
  const filtered = Object.keys(filterOf(input)).length > 0;
  if (ids.length === 0 && !filtered && !input.all) {
    throw invalidInput([
      {
        path: "job_id",
        problem: "is missing: name jobs by job_id or job_ids, or a filter, or set all to true",
      },
    ]);
  }
  if (ids.length > 0 && (filtered || input.all || input.canary || input.cursor !== undefined)) {
    const path = input.job_id === undefined ? "job_ids" : "job_id";
    throw invalidInput([{ path, problem: "cannot be combined with a filter, all, canary or cursor" }]);
  }
  if (input.canary && input.cursor !== undefined) {
    throw invalidInput([
      { path: "cursor", problem: "cannot be combined with canary, which goes on by itself" },
    ]);
  }
  return ids;
}

async function replayIds(queue: QueueRef, ids: string[], input: Sent, context: Context) {
  const found = new Map((await findStates(context.db, queue, ids)).map((row) => [row.id, row]));
  const failedIds = ids.filter((id) => found.get(id)?.failed);
  const open = failedIds.filter((id) => !found.get(id)?.replayed);
  const notFailed = ids.filter((id) => !found.get(id)?.failed);
  if (input.dry_run) {
    const seen = { counts: { matching: open.length }, sample: open.slice(0, 5) };
    const preview = previewOf("dlq.replay", input, seen, open.length, context);
    return {
      ...nothing,
      already_replayed: failedIds.length - open.length,
      not_failed: notFailed,
      ...preview,
    };
  }
  checkConfirmation("dlq.replay", input, open.length, context);
  const made = await replayJobs(context.db, queue, open, provenanceOf(context));
  const nameTaken = await stillOpen(context.db, queue, open, made);
  note(queue, made.length, { job_ids: made.map(({ id }) => id).slice(0, 20) }, context);
  return {
    replayed: made.length,
    already_replayed: failedIds.length - made.length - nameTaken.length,
    not_failed: notFailed,
    name_taken: nameTaken,
    remaining: 0,
    nextCursor: null,
  };
}

/** Those of which no replay was made, by this call or by another at the same time. */
async function stillOpen(
  db: Database,
  queue: QueueRef,
  ids: readonly string[],
  made: readonly { id: string }[],
): Promise<string[]> {
  const done = new Set(made.map(({ id }) => id));
  const left = ids.filter((id) => !done.has(id));
  if (left.length === 0) return [];
  const states = await findStates(db, queue, left);
  return states.filter(({ failed, replayed }) => failed && !replayed).map(({ id }) => id);
}

async function replayAll(queue: QueueRef, input: Sent, after: number | undefined, context: Context) {
  const provenance = provenanceOf(context);
  const pass = await walkFailed(
    queue,
    input,
    after,
    context,
    async (ids) => (await replayJobs(context.db, queue, ids, provenance)).length,
  );
  note(queue, pass.done, filterOf(input), context);
  return { ...nothing, replayed: pass.done, remaining: pass.remaining, nextCursor: pass.nextCursor };
}

function note({ name, uid }: QueueRef, replayed: number, how: object, context: Context): void {
  if (replayed === 0) return;
  context.record({ resource: name, after: { replayed, ...how } });
  context.afterCommit(() => context.services.wake([uid]));
}

async function startCanary(queue: QueueRef, input: Sent, context: Context) {
  const filter = filterOf(input);
  const seen = await failed.countFailed(context.db, queue, filter, { most: mostCounted });
  const upToSeq = seen.lookedAt < mostCounted ? seen.lastSeq : await failed.newestSeq(context.db, queue);
  const replay = await replays.insertReplay(context.db, queue, {
    id: newId("rpl"),
    filter,
    total: seen.matching,
    upToSeq,
    maxErrorRate: input.max_error_rate,
    provenance: provenanceOf(context),
  });
  const { id } = replay;
  context.record({
    resource: queue.name,
    after: { replay: id, ...filter, max_error_rate: input.max_error_rate },
  });
  return { ...nothing, remaining: seen.matching, nextCursor: null, replay: replays.toReplay(replay) };
}
