// Requests per workspace and minute, exact across processes: the count lives in the database, and requests
// that arrive together are counted by one statement.

import { RotorError } from "@rotorsh/contract";
import type postgres from "postgres";
import type { RateState } from "./caller.ts";
import { minuteOf, secondsUntil } from "./core/period.ts";
import type { Log } from "./log.ts";
import { createBatcher } from "./store/batch.ts";

const tellEveryMs = 60_000;

type Take = { workspaceId: string };
type Taken = { position: number; resetSeconds: number };

export type RateLimiter = ReturnType<typeof createRateLimiter>;

export function createRateLimiter(sql: postgres.Sql, log: Log) {
  const take = createBatcher<Take, Taken>((items) => takeMany(sql, items));
  const insurance = createLocalCount();
  let alone = 0;
  let toldAt = Number.NEGATIVE_INFINITY;
  // Each request would say it again, as long as the counter is broken.
  const tell = (error: unknown) => {
    alone++;
    if (performance.now() - toldAt < tellEveryMs) return;
    toldAt = performance.now();
    log.warn({ err: error, requests: alone }, "rate limits are counted in this process alone");
  };

  return {
    /** Requests that this process had to count for itself. */
    countedAlone: () => alone,
    /** Counts one request; throws RATE_LIMITED when the minute's limit was reached before it. */
    async take(workspaceId: string, limit: number | null): Promise<RateState> {
      if (limit === null) return null;
      // A broken counter must not stop the work: each process then counts for itself.
      const taken = await take({ workspaceId }).catch((error: unknown) => {
        tell(error);
        return insurance(workspaceId);
      });
      const { position, resetSeconds } = taken;
      if (position > limit)
        throw new RotorError("RATE_LIMITED", { limit, retry_after_seconds: resetSeconds });
      return { limit, remaining: limit - position, resetSeconds };
    },
  };
}

/** Adds each workspace's requests to its row, and gives every request its position in the minute. */
async function takeMany(sql: postgres.Sql, items: Take[]): Promise<Taken[]> {
  const counts = new Map<string, number>();
  for (const { workspaceId } of items) counts.set(workspaceId, (counts.get(workspaceId) ?? 0) + 1);
  // Sorted, so that two processes lock the rows in the same order.
  const ids = [...counts.keys()].sort();
  const rows = await sql<{ id: string; used: string; reset: number }[]>`
    insert into rate_window as w (workspace_id, started_at, used)
    select id, date_trunc('minute', rotor_now()), taken
    from unnest(${ids}::text[], ${ids.map((id) => counts.get(id) as number)}::bigint[]) as t (id, taken)
    on conflict (workspace_id) do update set
      used = case when w.started_at < excluded.started_at then excluded.used else w.used + excluded.used end,
      started_at = greatest(w.started_at, excluded.started_at)
    returning workspace_id as id, used,
      ceil(extract(epoch from started_at + interval '1 minute' - rotor_now()))::int as reset`;
  const next = new Map(
    rows.map(({ id, used, reset }) => [id, { position: Number(used) - (counts.get(id) ?? 0), reset }]),
  );
  return items.map(({ workspaceId }) => {
    const state = next.get(workspaceId) as { position: number; reset: number };
    state.position++;
    return { position: state.position, resetSeconds: Math.max(1, state.reset) };
  });
}

function createLocalCount() {
  const used = new Map<string, { minute: number; count: number }>();
  return (workspaceId: string): Taken => {
    const now = new Date();
    const { from, to } = minuteOf(now);
    const entry = used.get(workspaceId);
    const count = entry?.minute === from.getTime() ? entry.count + 1 : 1;
    used.set(workspaceId, { minute: from.getTime(), count });
    return { position: count, resetSeconds: secondsUntil(to, now) };
  };
}
