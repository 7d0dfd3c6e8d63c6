import { randomUUID } from "node:crypto";
import { type Contract, RotorError } from "@rotorsh/contract";
import { type Context, direct, type Handlers, workspaceOf } from "../handler.ts";
import * as store from "../store/pull.ts";

export type PullVerb = "claim" | "end" | "extend" | "handBack";

/** None of these has a transaction of its own: each is one statement, and workers send many. */
export const pull: Pick<Handlers<Contract>["jobs"], PullVerb> = {
  claim: direct(async (input, context) => {
    const { name, want, lease = randomUUID(), lease_seconds: leaseSeconds } = input;
    const { services, signal } = context;
    const queue = { workspaceId: workspaceOf(context).id, name };
    const claim = { want, lease, leaseMs: leaseSeconds * 1000, keyId: context.caller.actorId };
    const request = { queue, claim, waitMs: input.wait_seconds * 1000, signal };
    const claimed = await services.pull.claims.claim(request);
    if (!claimed) throw new RotorError("QUEUE_NOT_FOUND", { name });
    if (!claimed.isPull) throw new RotorError("QUEUE_NOT_PULL", { name });
    const { uid, jobs } = claimed;
    if (input.waits_on_broker) await services.pull.awaited(uid);
    // There may be more than this worker takes: the next one that waits should look too.
    if (input.waits_on_broker && jobs.length === want) services.wake([uid]);
    return {
      jobs: jobs.map((job) => toClaimedJob(job, lease)),
      lease,
      lease_seconds: leaseSeconds,
      broker: input.waits_on_broker ? services.broker.waitingRoomOf(queue.workspaceId, name) : null,
    };
  }),

  end: direct(async ({ name, ends }, context) => {
    const uid = await findQueue(name, context);
    const { pull: pulls } = context.services;
    const accepted = await pulls.ends(uid, ends);
    // Slots and keys are free again.
    if (accepted.length > 0) pulls.claims.ready([uid]);
    const known = new Set(accepted);
    return { accepted, refused: ends.map(({ id }) => id).filter((id) => !known.has(id)) };
  }),

  extend: direct(async ({ name, jobs, lease_seconds: seconds }, context) => {
    const uid = await findQueue(name, context);
    const { sql } = context.services.databases;
    const { extended, until } = await store.extendLeases(sql, uid, jobs, seconds * 1000);
    const kept = new Set(extended);
    return {
      extended,
      lost: jobs.map(({ id }) => id).filter((id) => !kept.has(id)),
      until: until.toISOString(),
    };
  }),

  handBack: direct(async ({ name, leases }, context) => {
    const uid = await findQueue(name, context);
    const { services } = context;
    const { handedBack, woken } = await store.handBack(services.databases.sql, uid, leases);
    if (handedBack > 0) services.wake([uid, ...woken]);
    return { handed_back: handedBack };
  }),
};

async function findQueue(name: string, context: Context): Promise<number> {
  const workspaceId = workspaceOf(context).id;
  const uid = await store.findQueueUid(context.services.databases.sql, { workspaceId, name });
  if (uid === undefined) throw new RotorError("QUEUE_NOT_FOUND", { name });
  return uid;
}

type Claimed = store.PullClaimed["jobs"][number];

function toClaimedJob(job: Claimed, lease: string) {
  return {
    id: job.id,
    lease,
    payload: JSON.parse(job.payload) as unknown,
    attempt: job.attempt,
    max_attempts: job.maxAttempts,
    generation: job.generation,
    tags: job.tags,
  };
}
