// Remembers, for every process to see, which pull queues have workers that wait on the broker: only those are
// announced there.

import type { Services } from "../handler.ts";
import { markAwaited } from "../store/pull.ts";

/** Longer than a waiting worker is silent, many times over. */
const lastsSeconds = 600;
const noteEveryMs = 60_000;
const mostRemembered = 10_000;

export type Awaited = (queueUid: number) => Promise<void>;

export function createAwaited({ databases: { sql } }: Pick<Services, "databases">): Awaited {
  const noted = new Map<number, number>();
  return async (uid) => {
    const now = performance.now();
    if (now - (noted.get(uid) ?? Number.NEGATIVE_INFINITY) < noteEveryMs) return;
    await markAwaited(sql, uid, lastsSeconds);
    if (noted.size >= mostRemembered) noted.clear();
    noted.set(uid, now);
  };
}
