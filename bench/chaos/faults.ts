// What is done to the processes of a run, when the seed says so.

import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import type { Program } from "./program.ts";
import { createRandom, type Random } from "./random.ts";
import { becomesReady, type Stage } from "./stage.ts";
import type { Story } from "./story.ts";

/** Longer than the longest lease of the queues. */
const frozenForMs = 14_000;

export type Faults = { counts: Record<string, number>; done: Promise<void> };

type Scene = {
  stage: Stage;
  random: Random;
  story: Story;
  counts: Record<string, number>;
  app: Program | undefined;
  frozenMs: number;
};

export type FaultOptions = {
  untilMs: number;
  /** The user's own program, where there is one. */
  app?: Program;
  /** Longer than the longest lease. */
  frozenMs?: number;
};

export function startFaults(stage: Stage, seed: number, story: Story, options: FaultOptions): Faults {
  const { untilMs, app, frozenMs = frozenForMs } = options;
  const random = createRandom(seed * 7919 + 1);
  const scene: Scene = { stage, random, story, counts: {}, app, frozenMs };
  const thawing: Promise<void>[] = [];
  const done = (async () => {
    await sleep(scene.random.between(500, 2000));
    while (Date.now() < untilMs) {
      await strike(scene, thawing);
      await sleep(scene.random.between(1000, 4500));
    }
    await Promise.all(thawing);
  })();
  return { counts: scene.counts, done };
}

async function strike(scene: Scene, thawing: Promise<void>[]): Promise<void> {
  const { stage, random, story, counts } = scene;
  const kinds = ["api", "worker", "worker", "postgres", "freeze"];
  if (stage.redis) kinds.push("redis", "flush");
  if (scene.app) kinds.push("app", "app");
  let kind = random.pick(kinds);
  // One at a time: with both workers frozen nothing would be seen.
  if (kind === "freeze" && stage.workers.some(isFrozen)) kind = "worker";
  counts[kind] = (counts[kind] ?? 0) + 1;
  if (kind === "api" || kind === "worker") await killServer(scene, kind);
  else if (kind === "app") await killApp(scene);
  else if (kind === "postgres") killPostgres(scene);
  else if (kind === "freeze") thawing.push(freezeWorker(scene));
  else if (kind === "redis") await killRedis(scene);
  else {
    story.tell("FLUSHALL");
    await flush(stage);
  }
}

const isFrozen = (worker: Stage["workers"][number]) => worker.freezes.at(-1)?.to === Number.POSITIVE_INFINITY;

async function killServer({ stage, random, story }: Scene, kind: "api" | "worker"): Promise<void> {
  const free = (kind === "api" ? stage.apis : stage.workers).filter((program) => !isFrozen(program));
  const program = random.pick(free);
  story.tell(`kill -9 ${program.name}`);
  await program.kill();
  await sleep(random.between(0, 1500));
  program.start();
}

async function killApp({ app, random, story }: Scene): Promise<void> {
  story.tell("kill -9 app");
  await app?.kill();
  await sleep(random.between(0, 1500));
  app?.start();
}

function killPostgres({ stage, story }: Scene): void {
  try {
    process.kill(stage.postgresPid(), "SIGKILL");
    story.tell("kill -9 postgres");
  } catch {
    // Killed a moment ago, and not started again yet.
  }
}

async function killRedis({ stage: { redis }, random, story }: Scene): Promise<void> {
  story.tell("kill -9 redis");
  await redis?.kill();
  await sleep(random.between(0, 2000));
  redis?.start();
}

async function freezeWorker({ stage, random, story, frozenMs }: Scene): Promise<void> {
  const worker = random.pick(stage.workers);
  story.tell(`SIGSTOP ${worker.name}`);
  worker.freeze();
  await sleep(frozenMs);
  worker.thaw();
  story.tell(`SIGCONT ${worker.name}`);
}

async function flush({ redis }: Stage): Promise<void> {
  const client = new Redis(String(redis?.url), { lazyConnect: true, retryStrategy: () => null });
  client.on("error", () => {});
  await client
    .connect()
    .then(() => client.flushall())
    .catch(() => {});
  client.disconnect();
}

/** Everything is up again, and nothing more will happen to it. */
export async function heal({ apis, workers }: Stage): Promise<void> {
  for (const worker of workers) if (isFrozen(worker)) worker.thaw();
  await Promise.all([...apis, ...workers].map((program) => becomesReady(program)));
}
