// The operator does in any workspace what its own people do there, under the operator's name.

import { type Contract, invalidInput, RotorError } from "@rotorsh/contract";
import type { Context, Handlers } from "../handler.ts";
import { countFailed } from "../store/failed-jobs.ts";
import { findJobPlaces } from "../store/job-places.ts";
import { findWorkspace } from "../store/workspaces.ts";
import { dlq } from "./dlq.ts";
import { jobs } from "./jobs.ts";
import { findQueue } from "./queue-work.ts";
import { queues } from "./queues.ts";

export type JobVerb = "listQueues" | "getJob" | "listFailed" | "replayFailed";

const mostCounted = 20_000;

export const adminJobs: Pick<Handlers<Contract>["admin"], JobVerb> = {
  async listQueues({ id, ...page }, context) {
    return queues.list(page, await within(id, context));
  },

  async getJob({ id, workspace, queue }, context) {
    const [place, ...others] = await findJobPlaces(context.db, id, { workspaceId: workspace, queue });
    if (!place) throw new RotorError("JOB_NOT_FOUND", { id });
    if (others.length > 0) throw severalOf(workspace === undefined ? "workspace" : "queue");
    const job = await jobs.get({ name: place.queue, id }, await within(place.workspaceId, context));
    return { ...job, workspace_id: place.workspaceId };
  },

  async listFailed({ workspace, queue: name, ...input }, context) {
    const inside = await within(workspace, context);
    const queue = await findQueue(name, inside);
    const { matching: depth } = await countFailed(context.db, queue, input, { most: mostCounted });
    return { ...(await dlq.list({ ...input, name, include_replayed: false }, inside)), depth };
  },

  async replayFailed({ workspace, queue: name, ...input }, context) {
    const once = { canary: false, max_error_rate: 1 };
    return dlq.replay({ ...input, ...once, name }, await within(workspace, context));
  },
};

/** The same call inside of one workspace; what it changes is in that workspace's chain. */
async function within(id: string, context: Context): Promise<Context> {
  const workspace = await findWorkspace(context.db, id);
  if (!workspace) throw new RotorError("WORKSPACE_NOT_FOUND", { id });
  return {
    ...context,
    caller: { ...context.caller, workspace },
    record: (change) => context.record({ ...change, workspaceId: id }),
  };
}

function severalOf(path: string): RotorError {
  return invalidInput([{ path, problem: "is required: several jobs have this id" }]);
}
