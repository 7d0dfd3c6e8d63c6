// Wake-ups of the same queue that come close together become one. The first is sent at once; what comes while it
// is on its way, or within the gap after it, is sent together. What waits is a set of keys: however long the
// other side is silent, it never holds more than one entry per queue.

import { setTimeout as sleep } from "node:timers/promises";

export type Coalescer<Key> = {
  add(keys: Iterable<Key>): void;
  /** Resolves when nothing is on its way; what was added but not sent is forgotten. */
  close(): Promise<void>;
};

/** `send` must not reject. */
export function createCoalescer<Key>(send: (keys: Key[]) => Promise<void>, gapMs: number): Coalescer<Key> {
  const pending = new Set<Key>();
  const closing = new AbortController();
  let running: Promise<void> | undefined;

  async function run(): Promise<void> {
    while (pending.size > 0 && !closing.signal.aborted) {
      const keys = [...pending];
      pending.clear();
      await send(keys);
      await sleep(gapMs, undefined, { signal: closing.signal }).catch(() => {});
    }
    // In the same tick as the look at `pending`: a key that comes later must start a new run.
    running = undefined;
  }

  return {
    add(keys) {
      if (closing.signal.aborted) return;
      for (const key of keys) pending.add(key);
      if (running || pending.size === 0) return;
      // A microtask later, so that wake-ups of the same tick share the first message too.
      running = Promise.resolve().then(run);
    },
    async close() {
      closing.abort();
      pending.clear();
      await running;
    },
  };
}
