// What is measured of each: how many a second, and what one costs.

import { type Child, startChild } from "../harness/child.ts";
import { startCpu } from "../harness/cpu.ts";
import type { Loaded } from "../harness/load.ts";
import type { Receiver } from "../harness/receiver.ts";

/** `cpuUs` is the processor time per job, of everybody involved: who sends, who works, the database, who receives. */
export type Rate = { perSecond: number; cpuUs: number };

export type Receiving = { child: Child<Receiver>; url: string };

const drainMs = 300_000;

export async function startReceiver(): Promise<Receiving> {
  const child = startChild<Receiver>(new URL("../harness/receiver.ts", import.meta.url));
  return { child, url: await child.call("listen", undefined as never) };
}

export async function rateOf(load: () => Promise<Loaded>): Promise<Rate> {
  const cpu = startCpu();
  const { perSecond, done } = await load();
  return { perSecond, cpuUs: cpu.usPerJob(done) };
}

/** From the first to the last of so many deliveries. */
export async function drainRate(
  { child }: Receiving,
  count: number,
  work: () => Promise<unknown>,
): Promise<Rate> {
  await child.call("reset", {});
  const cpu = startCpu();
  await work();
  const got = await child.call("waitFor", { target: count, timeoutMs: drainMs });
  if (got.count < count) throw new Error(`only ${got.count} of ${count} jobs were delivered`);
  return { perSecond: got.perSecond, cpuUs: cpu.usPerJob(count) };
}
