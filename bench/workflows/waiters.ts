// One event that matches 1,000 of 100,000 waiting runs: until the last of them goes on. And the same where nobody else
// waits, which must not be faster.

import type { Place } from "../harness/place.ts";
import { openCrowd } from "./crowd.ts";

export type Waiters = { matched: number; waiting: number; aloneMs: number[]; amongManyMs: number[] };

const wakeMs = 60_000;

export async function measureWaiters(
  place: Place,
  { waiting = 100_000, matched = 1000, rounds = 3 } = {},
): Promise<Waiters> {
  const { server, app, gather, stop } = await openCrowd(place, "waiters");
  let groups = 0;
  const group = () => Array.from({ length: matched }, () => ({ group: `g${groups}` }));
  const call = async (called: number) => {
    const from = Date.now();
    await server.request("POST", "/v1/events", { name: "called", data: { group: `g${called}` } });
    const woken = await app.call("woken", { count: matched, timeoutMs: wakeMs });
    return Math.max(...woken.map(({ at }) => at)) - from;
  };
  try {
    const aloneMs: number[] = [];
    // The first is for warming up.
    for (let round = 0; round <= rounds; round++, groups++) {
      await gather("wait.go", group(), "waiting");
      const ms = await call(groups);
      if (round > 0) aloneMs.push(ms);
    }
    const first = groups;
    for (; (groups - first) * matched < waiting; groups++) await gather("wait.go", group(), "waiting");
    await place.settle();
    const amongManyMs: number[] = [];
    for (let round = 0; round < rounds; round++) amongManyMs.push(await call(first + round));
    return { matched, waiting, aloneMs, amongManyMs };
  } finally {
    await stop();
  }
}
