// Looks at the ledger of jobs all the time: an end that was seen once must still be there at the end.

import { setTimeout as sleep } from "node:timers/promises";
import type { Sql } from "postgres";
import type { Story } from "./story.ts";

export type Observer = { seen: number; stop(): Promise<void> };

const everyMs = 700;

export function startObserver(sql: Sql, story: Story): Observer {
  const ends = new Map<string, string>();
  let stopping = false;

  async function look(): Promise<void> {
    const rows = await sql<{ uid: string; id: string; generation: number; state: string; ended: boolean }[]>`
      select queue_uid as uid, id, generation, state, ended_at is not null as ended from job
      where state in ('completed', 'failed', 'cancelled')`;
    for (const { uid, id, generation, state, ended } of rows) {
      const key = `${uid} ${id} #${generation}`;
      const before = ends.get(key);
      if (before && before !== state) story.accuse(`I2: job ${key} was ${before} and is ${state}`);
      if (!ended) story.accuse(`I2: job ${key} is ${state} and has no time of its end`);
      ends.set(key, state);
    }
    const now = new Set(rows.map(({ uid, id, generation }) => `${uid} ${id} #${generation}`));
    for (const [key, state] of ends) {
      if (now.has(key)) continue;
      ends.delete(key);
      // A failed job that is retried goes on as its next generation; nothing else comes back.
      if (state !== "failed") story.accuse(`I2: job ${key} was ${state} and is not any more`);
    }
  }

  const done = (async () => {
    while (!stopping) {
      // Postgres is killed now and then; the next look tells the same.
      await look().catch(() => {});
      await sleep(everyMs);
    }
    await look();
  })();
  return {
    get seen() {
      return ends.size;
    },
    async stop() {
      stopping = true;
      await done;
    },
  };
}
