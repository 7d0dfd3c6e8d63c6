// Tells who follows a run when to look again: at once when this process changed it, else when a look at the database
// finds that another one did. What changed is read from the database, so a signal may be lost or come twice.

import { findChanged, type RunMessage, readRunChange } from "./store/changes.ts";
import { type Database, isUnavailable } from "./store/database.ts";

export type Feed = {
  /** Something of these runs may have changed. */
  touch(runIds: Iterable<string>): void;
  /** Every change of a run since `snapshot`, and first of all everything without one; ends with the run. */
  follow(run: { workspaceId: string; id: string }, snapshot: string | null, signal: AbortSignal): RunFeed;
  /** Ends every feed; those who follow come again elsewhere. */
  close(): void;
};

export type RunFeed = AsyncGenerator<{ snapshot: string; message: RunMessage }, void, undefined>;

/** A feed that nobody in this process tells of anything is looked at so often. */
const lookEveryMs = 500;
/** A run that changes all the time is read no more often. */
const gapMs = 25;

type Follower = { run: string; snapshot: string | null; look(): void };

export function createFeed(db: Database): Feed {
  const followers = new Map<string, Set<Follower>>();
  const closing = new AbortController();
  let isLooking = false;

  function touch(runIds: Iterable<string>): void {
    if (followers.size === 0) return;
    for (const id of runIds) for (const follower of followers.get(id) ?? []) follower.look();
  }

  async function lookAtAll(): Promise<void> {
    const known = [...followers.values()].flatMap((some) => [...some]);
    const waiting = known.flatMap(({ run, snapshot }) => (snapshot === null ? [] : [{ run, snapshot }]));
    // Who cannot look now looks the next time.
    if (waiting.length > 0) touch(await findChanged(db, waiting).catch(() => []));
    isLooking = false;
    lookLater();
  }

  function lookLater(): void {
    if (isLooking || followers.size === 0 || closing.signal.aborted) return;
    isLooking = true;
    setTimeout(() => void lookAtAll(), lookEveryMs);
  }

  function add(follower: Follower): void {
    followers.set(follower.run, (followers.get(follower.run) ?? new Set()).add(follower));
    lookLater();
  }

  function remove(follower: Follower): void {
    const some = followers.get(follower.run);
    some?.delete(follower);
    if (some?.size === 0) followers.delete(follower.run);
  }

  async function* follow(
    { workspaceId, id }: { workspaceId: string; id: string },
    from: string | null,
    signal: AbortSignal,
  ): RunFeed {
    const over = AbortSignal.any([signal, closing.signal]);
    const bell = createBell(over);
    const follower: Follower = { run: id, snapshot: from, look: bell.ring };
    add(follower);
    try {
      while (!over.aborted) {
        bell.reset();
        const change = await readRunChange(db, workspaceId, id, follower.snapshot).catch((error: unknown) => {
          if (isUnavailable(error)) return "later" as const;
          throw error;
        });
        if (change === undefined) return;
        if (change !== "later") {
          follower.snapshot = change.snapshot;
          if (change.message) yield { snapshot: change.snapshot, message: change.message };
          if (change.ended) return;
        }
        await pause(gapMs);
        await bell.rung(change === "later" ? lookEveryMs : undefined);
      }
    } finally {
      remove(follower);
    }
  }

  return { touch, follow, close: () => closing.abort() };
}

/** Rings at once when it was rung since it was reset, and when it is over. */
function createBell(over: AbortSignal) {
  let isRung = false;
  let tell = () => {};
  const ring = () => {
    isRung = true;
    tell();
  };
  over.addEventListener("abort", ring, { once: true });
  return {
    ring,
    reset() {
      isRung = over.aborted;
    },
    async rung(withinMs?: number): Promise<void> {
      if (isRung) return;
      await new Promise<void>((resolve) => {
        const timer = withinMs === undefined ? undefined : setTimeout(resolve, withinMs);
        tell = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    },
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
