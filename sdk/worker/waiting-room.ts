// Waiting on the broker for the word that there is work. BullMQ and its driver are loaded only here, and only when
// a `connection` is given.

import type { WorkerOptions } from "bullmq";

export type Place = { prefix: string; queue: string };

export type WaitingRoom = {
  /** True when there may be work, false after a few seconds without; rejects when the broker is away. */
  wait(closing: AbortSignal): Promise<boolean>;
  close(): Promise<void>;
};

const supportedMajor = 6;
const schema = "rotor_broker";
const blockSeconds = 5;
/** A word that a worker took with it when it died is given to another after this. */
const lockMs = 5000;

let isVersionKnown = false;

export async function openWaitingRoom(
  connection: string,
  { prefix, queue }: Place,
  warn: (problem: string, error?: unknown) => void,
): Promise<WaitingRoom> {
  const { createPostgresBackend, Worker } = await import("bullmq");
  if (!isVersionKnown) {
    isVersionKnown = true;
    const problem = versionProblem(await installedVersion());
    if (problem) warn(problem);
  }
  const timing = {
    drainDelay: blockSeconds,
    lockDuration: lockMs,
    stalledInterval: lockMs,
    maxStalledCount: 1000,
  };
  const options: Omit<WorkerOptions, "connection"> = { prefix, ...timing };
  const worker = /^postgres(ql)?:/.test(connection)
    ? new Worker(
        queue,
        null,
        { ...options, connection: { connectionString: connection, schema, max: 1 } },
        createPostgresBackend,
      )
    : new Worker(queue, null, { ...options, connection: { url: connection, maxRetriesPerRequest: null } });
  let trouble: Error | undefined;
  worker.on("error", (error: Error) => {
    trouble = error;
  });
  await worker.waitUntilReady();
  await worker.startStalledCheckTimer();
  const token = crypto.randomUUID();
  return {
    async wait(closing) {
      trouble = undefined;
      const left = new Promise<undefined>((resolve) => {
        closing.addEventListener("abort", () => resolve(undefined), { once: true });
      });
      const word = await Promise.race([worker.getNextJob(token, { block: true }), left]);
      // Taken away before the worker looks: what comes later is a new word.
      await word?.moveToCompleted(null, token, false);
      if (!word && trouble) throw trouble;
      return word !== undefined;
    },
    close: () => worker.close(true),
  };
}

async function installedVersion(): Promise<string> {
  const { createRequire } = await import("node:module");
  return (createRequire(import.meta.url)("bullmq/package.json") as { version: string }).version;
}

export function versionProblem(installed: string): string | undefined {
  const major = Number.parseInt(installed, 10);
  if (major === supportedMajor) return undefined;
  return `bullmq ${installed} is installed; this SDK was made for bullmq ${supportedMajor}`;
}
