// One attempt of a job: what it needs of its queue, the request, and what is written down of it.

import { endAttempt } from "../core/job.ts";
import { type Delivered, fingerprintOf, outcomeOf } from "../core/response.ts";
import { deliver } from "../drivers/callback.ts";
import type { Services } from "../handler.ts";
import type { Outbound } from "../outbound/http-client.ts";
import type { ClaimedJob, JobEnd } from "../store/job-work.ts";
import { type QueueConfig, readQueueConfig } from "../store/queue-config.ts";
import { openHeaders, secretPurpose } from "../store/queues.ts";

const tooLate = "The lease of this attempt was over before it could be sent.";
const brokeOff = "Rotor could not send it.";

/** A queue's settings, with what is sealed in them in the clear. */
export type Active = {
  config: QueueConfig;
  secrets: string[];
  headers: Record<string, string>;
  readAt: number;
};

/** Undefined when the queue is gone, or its workspace may not work now. */
export async function readActive({ databases, vault }: Services, uid: number): Promise<Active | undefined> {
  const config = await readQueueConfig(databases.sql, uid);
  if (!config) return undefined;
  const open = (sealed: string) => vault.open(config.owner, secretPurpose(config.name), sealed);
  const headers = openHeaders(vault, config.owner, config);
  return { config, secrets: config.secrets.map(open), headers, readAt: performance.now() };
}

/** `until`: when its lease ends, as performance.now() has it. */
export type Leased = { job: ClaimedJob; lease: string; until: number };

/** Never rejects: whatever happens is how the attempt ended. */
export async function attempt(outbound: Outbound, active: Active, leased: Leased, log: Services["log"]) {
  try {
    return await send(outbound, active, leased);
  } catch (error) {
    // Our own bug, but a process that ended for it would take every other delivery with it.
    log.error({ err: error, queueUid: active.config.uid, jobId: leased.job.id }, "an attempt broke off");
    return endOf(leased, active, { kind: "connection", message: brokeOff }, 0);
  }
}

async function send(outbound: Outbound, active: Active, leased: Leased): Promise<JobEnd> {
  const { config, secrets, headers } = active;
  // A process that was frozen in between must not send what may be another's by now.
  const leftMs = leased.until - performance.now();
  if (leftMs <= 0) return endOf(leased, active, { kind: "timeout", message: tooLate }, 0);
  const { delivered, durationMs } = await deliver(outbound, {
    url: config.callbackUrl as string,
    headers,
    secrets,
    timeoutMs: Math.min(config.timeoutMs, leftMs),
    queue: config.name,
    job: leased.job,
  });
  return endOf(leased, active, delivered, durationMs);
}

function endOf(
  { job: { id, attempt, maxAttempts, backoff }, lease }: Leased,
  { config }: Active,
  delivered: Delivered,
  durationMs: number,
): JobEnd {
  const outcome = outcomeOf(delivered);
  const attempts = { attempt, maxAttempts, backoff: backoff ?? config.backoff };
  const failed = outcome.kind === "failed";
  return {
    ...endAttempt(attempts, outcome, Math.random()),
    id,
    lease,
    fingerprint: failed ? fingerprintOf(outcome.reason, outcome.message) : null,
    durationMs,
    status: delivered.kind === "response" ? delivered.status : null,
    response: delivered.kind === "response" ? delivered.body : null,
    error: failed ? outcome.message : null,
  };
}
