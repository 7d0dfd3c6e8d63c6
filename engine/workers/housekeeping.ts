// Small regular work that any number of processes may do at once: each step is safe to repeat.

import { setTimeout as sleep } from "node:timers/promises";
import type { Services } from "../handler.ts";
import { ensureAuditPartitions } from "../store/audit.ts";
import { purgeAnswers } from "../store/idempotency.ts";
import { purge } from "./purge.ts";

const everyMs = 60_000;
const purgeBatch = 1000;

export type Loop = { stop(): Promise<void> };

export function startHousekeeping(services: Services): Loop {
  const { databases, log } = services;
  const stopping = new AbortController();
  const done = (async () => {
    while (!stopping.signal.aborted) {
      try {
        await ensureAuditPartitions(databases.engine);
        while ((await purgeAnswers(databases.engine, purgeBatch)) === purgeBatch);
        await purge(services);
      } catch (error) {
        log.warn({ err: error }, "housekeeping failed; the next round tries again");
      }
      // Not in step with the other processes that do the same.
      await sleep(everyMs * (0.5 + Math.random()), undefined, { signal: stopping.signal }).catch(() => {});
    }
  })();
  return {
    async stop() {
      stopping.abort();
      await done;
    },
  };
}
