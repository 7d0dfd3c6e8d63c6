// Does a server grow with what it has delivered? Its resident memory while a large queue is emptied.

import type { Receiving } from "./rate.ts";
import type { Rotor } from "./rotor.ts";
import { backlogQueue } from "./rounds.ts";
import { median } from "./table.ts";

export type Memory = {
  delivered: number;
  beforeMb: number;
  afterMb: number;
  peakMb: number;
  perSecond: number;
};

const sampleMs = 500;
/** Compiled code and pools grow to their size first; then a tenth of the way is compared with the last tenth. */
const warmShare = 0.1;

export async function measureMemory(rotor: Rotor, receiving: Receiving, count: number): Promise<Memory> {
  const { child } = receiving;
  const seen: { share: number; mb: number }[] = [];
  await child.call("reset", {});
  await rotor.server.request("POST", `/v1/queues/${backlogQueue}/resume`);
  for (;;) {
    const got = await child.call("waitFor", { target: count, timeoutMs: sampleMs });
    seen.push({ share: got.count / count, mb: await rotor.server.rssMb() });
    if (got.count < count) continue;
    const between = (from: number, to: number) =>
      median(seen.filter(({ share }) => share >= from && share <= to).map(({ mb }) => mb));
    return {
      delivered: got.count,
      beforeMb: between(warmShare, 2 * warmShare),
      afterMb: between(1 - warmShare, 1),
      peakMb: Math.max(...seen.map(({ mb }) => mb)),
      perSecond: got.perSecond,
    };
  }
}
