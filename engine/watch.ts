// Tells those who listen that a queue, run or workflow has changed. One look a second for all of them together, and
// none while nobody listens.

import { RotorError } from "@rotorsh/contract";
import type { Log } from "./log.ts";
import type { Databases } from "./store/database.ts";
import { readVersions, type Watched } from "./store/versions.ts";

export type Watch = {
  /** Of one workspace. Resolves once every later change will be told; answers what ends it. */
  start(things: readonly Watched[], changed: (thing: Watched) => void): Promise<() => void>;
  stop(): void;
};

type Watcher = { thing: Watched; version: string | null; changed: (thing: Watched) => void };

const everyMs = 1000;
const mostOfWorkspace = 100;

export function createWatch({ sql }: Databases, log: Log): Watch {
  const watchers = new Set<Watcher>();
  const open = new Map<string, number>();
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

  /** One of the places of a workspace; given back once. */
  function take(workspaceId: string): () => void {
    const before = open.get(workspaceId) ?? 0;
    if (before >= mostOfWorkspace) throw new RotorError("TOO_MANY_STREAMS", { limit: mostOfWorkspace });
    open.set(workspaceId, before + 1);
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      const left = (open.get(workspaceId) ?? 1) - 1;
      if (left > 0) open.set(workspaceId, left);
      else open.delete(workspaceId);
    };
  }

  return {
    async start(things, changed) {
      const workspaceId = things[0]?.workspaceId ?? "";
      const giveBack = take(workspaceId);
      const versions = await readVersions(sql, things).catch((error: unknown) => {
        giveBack();
        throw error;
      });
      const mine = things.map((thing, index) => ({ thing, version: versions[index] ?? null, changed }));
      for (const watcher of mine) watchers.add(watcher);
      schedule();
      return () => {
        for (const watcher of mine) watchers.delete(watcher);
        giveBack();
      };
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
