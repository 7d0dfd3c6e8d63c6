// Somebody who changes the queues while they work: pauses, resumes, and turns the concurrency up and down.

import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "./client.ts";
import { concurrencyRange, type QueuePlan, queues } from "./plan.ts";
import type { Random } from "./random.ts";
import type { Story } from "./story.ts";

type Limit = { value: number; from: number; to: number };

export type Limits = {
  /** The highest concurrency that may have held for a queue at some moment between the two. */
  most(queue: string, from: number, to: number): number;
};

/** A change whose answer was lost may still be made for so long. */
const lateMs = 35_000;

export function turnKnobs(ask: Client, random: Random, stopping: () => boolean, story: Story) {
  const limits = new Map<string, Limit[]>(
    queues.map(({ name, concurrency }) => [
      name,
      [{ value: concurrency, from: 0, to: Number.POSITIVE_INFINITY }],
    ]),
  );
  const now = () => performance.timeOrigin + performance.now();

  async function changeConcurrency(plan: QueuePlan): Promise<void> {
    const value = random.between(...concurrencyRange(plan));
    const held = limits.get(plan.name) as Limit[];
    const before = [...held];
    held.push({ value, from: now(), to: Number.POSITIVE_INFINITY });
    const path = `/v1/queues/${plan.name}`;
    const answer = await ask({ method: "PATCH", path, body: { concurrency: value }, tries: 1 }, random);
    if (answer?.status !== 200) return;
    story.tell(`${plan.name}: concurrency ${value}`);
    for (const limit of before) limit.to = Math.min(limit.to, Math.max(now(), unsure(limit)));
    sure.add(held.at(-1) as Limit);
  }

  const sure = new Set<Limit>(queues.map(({ name }) => limits.get(name)?.[0] as Limit));
  const unsure = (limit: Limit) => (sure.has(limit) ? 0 : limit.from + lateMs);

  async function pause({ name }: QueuePlan): Promise<void> {
    await ask({ method: "POST", path: `/v1/queues/${name}/pause`, tries: 1 }, random);
    await sleep(random.between(200, 2500));
    await ask({ method: "POST", path: `/v1/queues/${name}/resume`, tries: 20 }, random);
  }

  const done = (async () => {
    while (!stopping()) {
      await sleep(random.between(300, 1500));
      const plan = random.pick(queues);
      if (random.chance(0.5)) await changeConcurrency(plan);
      else await pause(plan);
    }
  })();
  return {
    done,
    limits: {
      most: (queue, from, to) =>
        Math.max(
          ...(limits.get(queue) ?? [])
            .filter((limit) => limit.from <= to && limit.to >= from)
            .map(({ value }) => value),
        ),
    } satisfies Limits,
  };
}
