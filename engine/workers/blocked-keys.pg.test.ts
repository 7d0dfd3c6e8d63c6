// I12: jobs that wait for a key cost those that do not wait for one nothing.

import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { workQueue } from "../store/job-work.ts";
import { type Delivering, startDelivering } from "../testing/delivering.ts";

let work: Delivering;

beforeAll(async () => {
  work = await startDelivering();
});

afterAll(() => work.stop());

/** Written past the engine: only how they are claimed is of interest. */
async function insert(name: string, jobs: number, key: string | null): Promise<void> {
  await work.rotor.sql`
    insert into job (queue_uid, id, workspace_id, state, priority, payload, concurrency_key, max_attempts, provenance, created_at)
    select ${await work.uidOf(name)}, 'n' || n || ${randomUUID()}, ${work.rotor.home.id}, 'waiting', 0, '{}', ${key}, 3, '{}',
      rotor_now() from generate_series(1, ${jobs}) n`;
}

function claimer(queueUid: number) {
  return async (want: number) => {
    const start = performance.now();
    const lease = randomUUID();
    const { claimed } = await workQueue(work.rotor.sql, { queueUid, want, lease, leaseMs: 3_600_000 }, []);
    return { claimed: claimed.length, ms: performance.now() - start };
  };
}

const median = (numbers: number[]): number => numbers.sort((a, b) => a - b)[numbers.length >> 1] as number;

async function medianClaim(name: string, jobs: number): Promise<number> {
  const claim = claimer(await work.uidOf(name));
  const times = [];
  for (let round = 0; round < jobs; round++) {
    const { claimed, ms } = await claim(1);
    expect(claimed).toBe(1);
    times.push(ms);
  }
  return median(times);
}

test("100,000 jobs that wait for one key do not slow the claims of the jobs behind them", async () => {
  const settings = { callback_url: null, concurrency: 1000 };
  const [empty, full] = [await work.queue(settings), await work.queue(settings)];
  await insert(empty, 41, null);
  await insert(full, 1, "hot");
  const claim = claimer(await work.uidOf(full));
  expect((await claim(1)).claimed).toBe(1);
  await insert(full, 100_000, "hot");
  await insert(full, 41, null);

  // Each claim puts some of them aside, in bounded time, until it gets to what it may start.
  const first = [];
  do first.push(await claim(1));
  while (first.at(-1)?.claimed === 0 && first.length < 100);
  expect(first.at(-1)?.claimed).toBe(1);
  expect(Math.max(...first.map(({ ms }) => ms))).toBeLessThan(5000);

  const [slow, quick] = [await medianClaim(full, 40), await medianClaim(empty, 40)];
  expect(slow).toBeLessThan(quick * 5 + 5);
}, 60_000);

test("a job behind 100,000 that wait for a key is delivered, without anything else having to happen", async () => {
  const name = await work.queue({ concurrency: 5, callback_url: null });
  await insert(name, 100_000, "cold");
  const other = await work.queue({ callback_url: null });
  await insert(other, 1, "cold");
  expect((await claimer(await work.uidOf(other))(1)).claimed).toBe(1);
  const id = await work.add(name);
  await work.change(name, { callback_url: work.witness.url });
  await expect.poll(() => work.witness.ids(name), { timeout: 50_000 }).toEqual([id]);
}, 90_000);
