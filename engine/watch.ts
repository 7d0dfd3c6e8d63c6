// Tells those who listen that a queue, run or workflow has changed. One look a second for all of them together, and
// none while nobody listens.

import type { Log } from "./log.ts";
import type { Databases } from "./store/database.ts";
import { readVersions, type Watched } from "./store/versions.ts";

export type Watch = {
  /** Resolves once every later change will be told; answers what ends it. */
  start(things: readonly Watched[], changed: (thing: Watched) => void): Promise<() => void>;
  stop(): void;
};

type Watcher = { thing: Watched; version: string | null; changed: (thing: Watched) => void };

const everyMs = 1000;

export function createWatch({ sql }: Databases, log: Log): Watch {
  const watchers = new Set<Watcher>();
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  async function look(): Promise<void> {
    const looking = [...watchers];
    try {
      const versions = await readVersions(
        sql,
        looking.map(({ thing }) => thing),
      );
      looking.forEach((watcher, index) => {
        const version = versions[index] ?? null;
        if (version === watcher.version || !watchers.has(watcher)) return;
        watcher.version = version;
        watcher.changed(watcher.thing);
      });
    } catch (error) {
      // The next look sees what this one would have seen.
      log.warn({ err: error }, "changes could not be looked for");
    }
    timer = undefined;
    schedule();
  }

  function schedule(): void {
    if (timer !== undefined || stopped || watchers.size === 0) return;
    timer = setTimeout(() => void look(), everyMs);
    timer.unref();
  }

  return {
    async start(things, changed) {
      const versions = await readVersions(sql, things);
      const mine = things.map((thing, index) => ({ thing, version: versions[index] ?? null, changed }));
      for (const watcher of mine) watchers.add(watcher);
      schedule();
      return () => {
        for (const watcher of mine) watchers.delete(watcher);
      };
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
