// Tells who waits for the end of a run that it has come: at once when this process ended it, else when a look at the
// database finds that another one did. A feed would read every step on the way.

import type { Database } from "./store/database.ts";
import { findEnded } from "./store/runs.ts";

export type RunEnds = {
  tell(runId: string): void;
  /** Resolves when the run has ended, `over` aborts, or the server stops. */
  wait(runId: string, over: AbortSignal): Promise<void>;
  close(): void;
};

const lookEveryMs = 250;
/** A run may end before anybody waits for it. */
const mostRemembered = 1000;

export function createRunEnds(db: Database): RunEnds {
  const waiting = new Map<string, Set<() => void>>();
  const ended = new Set<string>();
  let looking: NodeJS.Timeout | undefined;

  function tell(runId: string): void {
    ended.add(runId);
    if (ended.size > mostRemembered) ended.delete(ended.values().next().value as string);
    for (const done of [...(waiting.get(runId) ?? [])]) done();
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

  async function wait(runId: string, over: AbortSignal): Promise<void> {
    if (ended.has(runId) || over.aborted) return;
    const some = waiting.get(runId) ?? new Set();
    waiting.set(runId, some);
    lookLater();
    await new Promise<void>((resolve) => {
      const done = () => {
        some.delete(done);
        if (some.size === 0) waiting.delete(runId);
        resolve();
      };
      some.add(done);
      over.addEventListener("abort", done, { once: true });
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
