import { isDeepStrictEqual } from "node:util";
import { type Contract, invalidInput, jobStates, type ParsedInputOf, RotorError } from "@rotorsh/contract";
import { checkConfirmation, previewOf } from "../confirm.ts";
import { changeSettings, defaultSettings, loosensGate, type QueueSettings } from "../core/queue-settings.ts";
import { type Context, type Handlers, workspaceOf } from "../handler.ts";
import { must } from "../must.ts";
import { checkSavedUrl } from "../outbound/save-check.ts";
import { revokeQueueKeys } from "../store/api-keys.ts";
import { hasOpenJobs, sampleJobs } from "../store/job-bulk.ts";
import { readCounts } from "../store/queue-numbers.ts";
import * as store from "../store/queues.ts";
import { countSchedulesOf, deleteSchedulesOf } from "../store/schedules.ts";
import { check } from "./queue-check.ts";
import { changeSecret, sealHeaders } from "./queue-secrets.ts";
import { countsOf, drain, retryAll, stats } from "./queue-work.ts";

type Sent = ParsedInputOf<Contract["queues"]["update"]>;

export const queues: Handlers<Contract>["queues"] = {
  async list(input, context) {
    const { id } = workspaceOf(context);
    const { data, nextCursor } = await store.listQueues(context.db, id, input);
    const uids = data.map(({ uid }) => uid);
    const counts = await readCounts(context.db, id, uids);
    return {
      data: data.map((row) => ({ ...store.toQueue(row), stats: must(counts.get(row.uid), "the counts") })),
      nextCursor,
    };
  },

  async create(input, context) {
    const { queue, secret } = await create(input, context);
    if (!queue) throw new RotorError("QUEUE_EXISTS", { name: input.name });
    return { ...store.toQueue(queue), ...secret };
  },

  async upsert(input, context) {
    const current = await store.lockQueue(context.db, keyOf(input, context));
    if (!current) {
      const { queue, secret } = await create(input, context);
      if (queue) return { ...store.toQueue(queue), ...secret, created: true };
      // Somebody else created it since we looked: then ours is a change.
    }
    return { ...(await update(input, context)), created: false };
  },

  async get(input, context) {
    const queue = await store.findQueue(context.db, keyOf(input, context));
    if (!queue) throw new RotorError("QUEUE_NOT_FOUND", { name: input.name });
    return { ...store.toQueue(queue), stats: await countsOf(queue, context) };
  },

  update: (input, context) => update(input, context),

  async delete(input, context) {
    const queue = await lock(input.name, context);
    const { oldest_waiting_seconds: _, ...counts } = await countsOf(queue, context);
    const jobs = Object.values(counts).reduce((sum, count) => sum + count, 0);
    const { workspaceId } = queue;
    if (input.dry_run) {
      const sample = await sampleJobs(context.db, queue, jobStates);
      const schedules = await countSchedulesOf(context.db, workspaceId, { queue: queue.name });
      const seen = { counts: { ...counts, schedules }, sample };
      return { deleted: false, jobs, ...previewOf("queues.delete", input, seen, jobs, context) };
    }
    if (!input.with_jobs && (await hasOpenJobs(context.db, queue))) {
      throw new RotorError("QUEUE_NOT_EMPTY", { name: input.name });
    }
    checkConfirmation("queues.delete", input, jobs, context);
    await store.deleteQueue(context.db, queue);
    await deleteSchedulesOf(context.db, workspaceId, { queue: queue.name });
    // A later queue of the same name is another queue: the keys of this one do not open it.
    await revokeQueueKeys(context.db, queue, context.now);
    context.record({ resource: input.name, before: { ...store.toQueue(queue), jobs } });
    return { deleted: true, jobs };
  },

  pause: ({ name }, context) => setPaused(name, true, context),
  resume: ({ name }, context) => setPaused(name, false, context),

  async setState({ name, state }, context) {
    if (state === "drain") {
      throw invalidInput([
        {
          path: "state",
          problem: "cannot be drain: draining deletes the waiting jobs; call drain_queue for that",
        },
      ]);
    }
    return setPaused(name, state === "paused" || state === "pause", context);
  },

  stats,
  drain,
  retryAll,
  check,
};

function keyOf({ name }: { name: string }, context: Context): store.QueueKey {
  return { workspaceId: workspaceOf(context).id, name };
}

async function lock(name: string, context: Context): Promise<store.QueueRow> {
  const queue = await store.lockQueue(context.db, keyOf({ name }, context));
  if (!queue) throw new RotorError("QUEUE_NOT_FOUND", { name });
  return queue;
}

async function create(sent: Sent, context: Context) {
  const settings = settle(undefined, sent, context);
  checkSavedUrl(context.services.egress, "callback_url", settings.callbackUrl);
  const { secret, columns } = settleSecret(undefined, settings, sent, context);
  const queue = await store.insertQueue(
    context.db,
    keyOf(sent, context),
    { ...settings, ...columns },
    context.now,
  );
  if (queue) context.record({ resource: sent.name, after: store.toQueue(queue) });
  return { queue, secret };
}

async function update(sent: Sent, context: Context) {
  const current = await lock(sent.name, context);
  const settings = settle(current, sent, context);
  // Who may not open the gate may not take it away.
  if (loosensGate(store.settingsOf(current), settings) && !context.caller.permissions.has("approve")) {
    throw new RotorError("FORBIDDEN", { needs: "approve" });
  }
  if (sent.callback_url !== undefined) {
    checkSavedUrl(context.services.egress, "callback_url", settings.callbackUrl);
  }
  const { secret, columns } = settleSecret(current, settings, sent, context);
  if (!secret.callback_secret && isDeepStrictEqual(settings, store.settingsOf(current))) {
    return store.toQueue(current);
  }
  const changed = await store.changeQueue(context.db, current, { ...settings, ...columns }, context.now);
  const queue = must(changed, "the queue");
  context.record({ resource: sent.name, before: store.toQueue(current), after: store.toQueue(queue) });
  context.afterCommit(() => context.services.wake([current.uid]));
  return { ...store.toQueue(queue), ...secret };
}

async function setPaused(name: string, paused: boolean, context: Context) {
  const current = await lock(name, context);
  if (Boolean(current.pausedAt) === paused) return store.toQueue(current);
  const changed = await store.changeQueue(
    context.db,
    current,
    { pausedAt: paused ? context.now : null },
    context.now,
  );
  const queue = store.toQueue(must(changed, "the queue"));
  context.record({
    resource: name,
    before: { state: store.toQueue(current).state },
    after: { state: queue.state },
  });
  if (!paused) context.afterCommit(() => context.services.wake([current.uid]));
  return queue;
}

/** The settings after a change, with the header values sealed. */
function settle(current: store.QueueRow | undefined, sent: Sent, context: Context): QueueSettings {
  const before = current ? store.settingsOf(current) : defaultSettings;
  const settings = changeSettings(before, sent);
  if (sent.callback_headers === undefined) return settings;
  return {
    ...settings,
    callbackHeaders: sealHeaders(sent.name, sent.callback_headers, before.callbackHeaders, context),
  };
}

/** A second rotation would end the previous secret early, under a handler that may still use it. */
function settleSecret(
  current: store.QueueRow | undefined,
  settings: QueueSettings,
  sent: Sent,
  context: Context,
) {
  const change = changeSecret(current, settings, sent, context);
  if (!change.stillValidUntil) return change;
  throw new RotorError("SECRET_ROTATING", { previous_valid_until: change.stillValidUntil.toISOString() });
}
