// What 100,000 sleeping runs cost, and how late those go on whose time has come.

import type { Place } from "../harness/place.ts";
import { openCrowd } from "./crowd.ts";

export type Sleepers = { runs: number; beforeMb: number; afterMb: number; due: number; latenessMs: number[] };

const farMs = 30 * 24 * 60 * 60 * 1000;
/** Long enough to fall asleep before. */
const aheadMs = 8000;
const wakeMs = 60_000;
const warmUp = 20_000;

/** `due` of them are due within one second. Lateness is sorted. */
export async function measureSleepers(
  place: Place,
  { runs = 100_000, due = 1000, rounds = 3 } = {},
): Promise<Sleepers> {
  const { server, app, gather, restingMb, stop } = await openCrowd(place, "sleepers");
  try {
    const until = () => ({ until: Date.now() + farMs });
    // Compiled code, pools, caches and the heap that such a load needs grow to their size first.
    await gather("sleep.go", Array.from({ length: warmUp }, until), "sleeping");
    const beforeMb = await restingMb();
    await gather("sleep.go", Array.from({ length: runs - warmUp }, until), "sleeping");
    await place.settle();
    const afterMb = await restingMb();
    const latenessMs: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const from = Date.now() + aheadMs;
      const data = Array.from({ length: due }, (_, n) => ({ until: from + Math.floor((n * 1000) / due) }));
      await server.request("POST", "/v1/events", {
        events: data.map((one) => ({ name: "sleep.go", data: one })),
      });
      const woken = await app.call("woken", { count: due, timeoutMs: wakeMs });
      latenessMs.push(...woken.map(({ at, until: wanted }) => at - wanted));
    }
    return { runs, beforeMb, afterMb, due, latenessMs: latenessMs.sort((a, b) => a - b) };
  } finally {
    await stop();
  }
}
