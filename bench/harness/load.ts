// Repeats something from so many places at once, for so long, and says how fast it went.

import { elapsedMs, nowNs } from "./clock.ts";

export type Load = { lanes: number; seconds: number; warmUpSeconds?: number };

/** `done` counts the warm-up too. */
export type Loaded = { perSecond: number; done: number };

/** `once` resolves when one is done. Counted after the warm-up only. */
export async function repeat(load: Load, once: (index: number) => Promise<void>): Promise<Loaded> {
  const { lanes, seconds, warmUpSeconds = 0.5 } = load;
  const startNs = nowNs();
  const fromMs = warmUpSeconds * 1000;
  const toMs = fromMs + seconds * 1000;
  let index = 0;
  let counted = 0;
  const lane = async () => {
    for (;;) {
      await once(index++);
      const now = elapsedMs(startNs);
      if (now > toMs) return;
      if (now > fromMs) counted++;
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return { perSecond: counted / seconds, done: index };
}
