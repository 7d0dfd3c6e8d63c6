// Tells who waits for the end of a run that it has come: at once, and how it ended, when this process ended it, else
// when a look at the database finds that another one did. A feed would read every step on the way.

import type { Next } from "./core/drive-end.ts";
import type { Database } from "./store/database.ts";
import { findEnded } from "./store/runs.ts";

export type Ended = Extract<Next, { kind: "completed" | "failed" }>;

export type RunEnds = {
  tell(runId: string, end?: Ended): void;
  /**
   * Resolves when the run has ended, the time is over, the caller has gone, or the server stops; to the end where this
   * process knows it.
   */
  wait(runId: string, longestMs: number, gone?: AbortSignal): Promise<Ended | undefined>;
  close(): void;
};

const lookEveryMs = 250;
/** A run may end before anybody waits for it. */
const mostRemembered = 1000;

export function createRunEnds(db: Database): RunEnds {
  const waiting = new Map<string, Set<(end?: Ended) => void>>();
  const ended = new Set<string>();
  let looking: NodeJS.Timeout | undefined;

  function tell(runId: string, end?: Ended): void {
    ended.add(runId);
    if (ended.size > mostRemembered) ended.delete(ended.values().next().value as string);
    for (const done of [...(waiting.get(runId) ?? [])]) done(end);
  }

  function lookLater(): void {
    if (looking || waiting.size === 0) return;
    looking = setTimeout(async () => {
      // Who cannot look now looks the next time.
      for (const id of await findEnded(db, [...waiting.keys()]).catch(() => [])) tell(id);
      looking = undefined;
      lookLater();
    }, lookEveryMs);
  }

  async function wait(runId: string, longestMs: number, gone?: AbortSignal): Promise<Ended | undefined> {
    if (ended.has(runId) || gone?.aborted) return undefined;
    const some = waiting.get(runId) ?? new Set<(end?: Ended) => void>();
    waiting.set(runId, some);
    lookLater();
    return new Promise((resolve) => {
      const done = (end?: Ended) => {
        some.delete(done);
        if (some.size === 0) waiting.delete(runId);
        clearTimeout(timer);
        gone?.removeEventListener("abort", stop);
        resolve(end);
      };
      const stop = () => done();
      const timer = setTimeout(stop, longestMs);
      some.add(done);
      gone?.addEventListener("abort", stop);
    });
  }

  return {
    tell,
    wait,
    close() {
      for (const some of [...waiting.values()]) for (const done of [...some]) done();
    },
  };
}
