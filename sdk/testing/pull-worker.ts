// A worker in a process of its own. It prints each job it begins, and ends one when it is told so on stdin.

import { createInterface } from "node:readline";
import { RotorWorker } from "../index.ts";

const [queueName, connection] = process.argv.slice(2) as [string, string | undefined];
const told: (() => void)[] = [];
createInterface({ input: process.stdin }).on("line", () => told.shift()?.());

const worker = new RotorWorker({
  queueName,
  connection: connection || undefined,
  leaseSeconds: 30,
  processor: async (job) => {
    console.log(JSON.stringify({ id: job.id, attemptsMade: job.attemptsMade }));
    await new Promise<void>((resolve) => told.push(resolve));
    return { by: process.pid };
  },
});
process.stdin.unref();
await worker.ready();
console.log("ready");
