import type { Contract, OutputOf } from "@rotorsh/contract";

export type ClaimedJob = OutputOf<Contract["jobs"]["claim"]>["jobs"][number];

/** A job as a processor sees it; names are BullMQ's where BullMQ has one. */
export type WorkerJob<Payload> = {
  /** Rotor's id of the job, or the caller's own `jobId`. */
  id: string;
  queueName: string;
  data: { payload: Payload };
  /** Attempts before this one: 0 at first. */
  attemptsMade: number;
  /** Attempts the job has in all. */
  maxAttempts: number;
  tags: string[];
  /** Aborted when the worker must stop, or when the job is not this worker's any more. */
  signal: AbortSignal;
};

export function toWorkerJob<Payload>(
  queueName: string,
  job: ClaimedJob,
  signal: AbortSignal,
): WorkerJob<Payload> {
  return {
    id: job.id,
    queueName,
    data: { payload: job.payload as Payload },
    attemptsMade: job.attempt - 1,
    maxAttempts: job.max_attempts,
    tags: job.tags,
    signal,
  };
}
