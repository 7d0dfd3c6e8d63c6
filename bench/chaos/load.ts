// What clients do during a run, and what they were told: the other witness.

import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "./client.ts";
import { type Limits, turnKnobs } from "./knobs.ts";
import { type QueuePlan, queues } from "./plan.ts";
import { createRandom, type Random } from "./random.ts";
import type { Story } from "./story.ts";

/** One job that was sent, once or several times. */
export type Sent = {
  nonce: string;
  queue: string;
  /** True when sending it again cannot make a second job. */
  keyed: boolean;
  /** Known once it was acknowledged. */
  id?: string;
  /** When a cancellation of it was acknowledged. */
  cancelledAt?: number;
};

export type Load = {
  sent: Sent[];
  limits: Limits;
  refusals: Map<string, number>;
  stop(): Promise<void>;
};

const clients = 6;

export function startLoad(ask: Client, seed: number, story: Story): Load {
  const sent: Sent[] = [];
  const refusals = new Map<string, number>();
  let stopping = false;
  const knobs = turnKnobs(ask, createRandom(seed * 31 + 7), () => stopping, story);
  const worlds = Array.from({ length: clients }, (_, index) => {
    const random = createRandom(seed * 1009 + index);
    return { ask, random, sent, story, refusals, name: `c${index}`, count: 0 };
  });
  const loops = worlds.map(async (world) => {
    while (!stopping) {
      await step(world);
      await sleep(world.random.between(40, 160));
    }
  });
  return {
    sent,
    refusals,
    limits: knobs.limits,
    async stop() {
      stopping = true;
      await Promise.all([...loops, knobs.done]);
    },
  };
}

type World = {
  ask: Client;
  random: Random;
  sent: Sent[];
  story: Story;
  refusals: Map<string, number>;
  name: string;
  count: number;
};

async function step(world: World): Promise<void> {
  const choice = world.random.next();
  if (choice < 0.72) await addOne(world);
  else if (choice < 0.86) await addBatch(world);
  else if (choice < 0.94) await cancelOne(world);
  else await retryOne(world);
}

function pickQueue(random: Random): QueuePlan {
  // Each as often as its weight says.
  return random.pick(queues.flatMap((queue) => Array.from({ length: queue.weight }, () => queue)));
}

function makeJob(world: World, queue: string, keyed: boolean) {
  const { random } = world;
  const sent: Sent = { nonce: `${world.name}-${++world.count}`, queue, keyed };
  const concurrencyKey = random.chance(0.25) ? `key-${random.between(1, 6)}` : undefined;
  const job = {
    payload: { nonce: sent.nonce, key: concurrencyKey },
    ...(concurrencyKey && { concurrencyKey }),
    ...(random.chance(0.2) && { delay: `${random.between(100, 3000)}ms` }),
    ...(random.chance(0.3) && { priority: random.between(0, 3) }),
    ...(random.chance(0.2) && { tags: [`t${random.between(1, 5)}`] }),
  };
  world.sent.push(sent);
  return { sent, job };
}

async function addOne(world: World): Promise<void> {
  const { random } = world;
  const { name } = pickQueue(random);
  const kind = random.pick(["id", "header", "strict", "none"] as const);
  const { sent, job } = makeJob(world, name, kind === "id" || kind === "header");
  const answer = await world.ask(
    {
      method: "POST",
      path: `/v1/queues/${name}/jobs`,
      body: {
        ...job,
        ...(kind === "id" && { jobId: `own-${sent.nonce}` }),
        ...(kind === "strict" && { strict: true }),
      },
      ...(kind === "header" && { key: `key-${sent.nonce}` }),
      tries: sent.keyed ? 12 : 1,
    },
    random,
  );
  if (!answer) return;
  if (answer.status < 300) sent.id = String(answer.body.id);
  else refused(world, answer.status, answer.body);
}

async function addBatch(world: World): Promise<void> {
  const { random } = world;
  const { name } = pickQueue(random);
  const keyed = random.chance(0.6);
  const strict = !keyed && random.chance(0.3);
  const made = Array.from({ length: random.between(2, 12) }, () => makeJob(world, name, keyed));
  const idempotencyKeys = keyed && made.map(({ sent }) => `own-${sent.nonce}`);
  const jobs = made.map(({ job }) => (strict ? { ...job, strict } : job));
  const answer = await world.ask(
    {
      method: "POST",
      path: `/v1/queues/${name}/jobs/batch`,
      body: { jobs, ...(idempotencyKeys && { idempotencyKeys }) },
      tries: keyed ? 12 : 1,
    },
    random,
  );
  if (!answer) return;
  if (answer.status >= 300) return refused(world, answer.status, answer.body);
  (answer.body.jobs as { id: string }[]).forEach(({ id }, index) => {
    if (made[index]) made[index].sent.id = id;
  });
}

/** One of the last hundred that are known to be there. */
function pickKnown({ sent, random }: World): Sent | undefined {
  const known = sent.slice(-100).filter(({ id }) => id);
  return known.length > 0 ? random.pick(known) : undefined;
}

async function cancelOne(world: World): Promise<void> {
  const job = pickKnown(world);
  if (!job) return;
  const path = `/v1/queues/${job.queue}/jobs/${encodeURIComponent(String(job.id))}`;
  const answer = await world.ask({ method: "DELETE", path, tries: 3 }, world.random);
  if (answer?.status === 200) job.cancelledAt ??= performance.timeOrigin + performance.now();
  else if (answer) lost(world, answer, path);
}

async function retryOne(world: World): Promise<void> {
  const job = pickKnown(world);
  if (!job) return;
  const path = `/v1/queues/${job.queue}/jobs/${encodeURIComponent(String(job.id))}`;
  const answer = await world.ask({ method: "POST", path: `${path}/retry`, tries: 3 }, world.random);
  if (answer) lost(world, answer, path);
}

function lost(world: World, { status, body }: { status: number; body: object }, path: string): void {
  if (status === 404) world.story.accuse(`I1: ${path} was acknowledged, and then not found`);
  else if (status >= 300 && status !== 409) refused(world, status, body);
}

function refused({ refusals, story }: World, status: number, body: object): void {
  const key = `${status} ${JSON.stringify(body).slice(0, 160)}`;
  if (!refusals.has(key)) story.tell(`refused: ${key}`);
  refusals.set(key, (refusals.get(key) ?? 0) + 1);
}
