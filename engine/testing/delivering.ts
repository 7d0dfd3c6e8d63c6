// Engines that deliver, a witness that receives, and short words for what tests ask of them.

import { randomBytes } from "node:crypto";
import { contract, type InputOf, type OutputOf } from "@rotorsh/contract";
import { expect } from "vitest";
import type { Engine, EngineOptions } from "../engine.ts";
import { call, startTestEngine, type TestEngine } from "./engine.ts";
import { startWitness, type Witness } from "./witness.ts";

type Settings = Omit<InputOf<typeof contract.queues.upsert>, "name">;
type Sent = Omit<InputOf<typeof contract.jobs.enqueue>, "name">;

export type Delivering = {
  rotor: TestEngine;
  witness: Witness;
  /** Another process with workers, on the same database. */
  startPeer(): Promise<Engine>;
  /** A queue of the test's own that calls the witness; answers its name, or with it what creating it answered. */
  queue(settings?: Settings): Promise<string>;
  change(name: string, settings: Settings): Promise<OutputOf<typeof contract.queues.upsert>>;
  uidOf(name: string): Promise<number>;
  add(name: string, job?: Sent): Promise<string>;
  addMany(name: string, jobs: Sent[]): Promise<string[]>;
  job(name: string, id: string): Promise<OutputOf<typeof contract.jobs.get>>;
  /** Waits until the queue has no job that is yet to end. */
  settled(name: string, timeoutMs?: number): Promise<void>;
  /** How many jobs of the queue are in each state. */
  states(name: string): Promise<Record<string, number>>;
  stop(): Promise<void>;
};

type Options = Partial<Pick<EngineOptions, "workers" | "anthropic">>;

export async function startDelivering({ workers = true, ...more }: Options = {}): Promise<Delivering> {
  const witness = await startWitness();
  const rotor = await startTestEngine({ workers, ...more });
  const { engine, home, sql } = rotor;

  async function uidOf(name: string): Promise<number> {
    const [row] = await sql`select uid from queue where workspace_id = ${home.id} and name = ${name}`;
    return Number(row?.uid);
  }

  async function states(name: string): Promise<Record<string, number>> {
    const rows = await sql`
      select state, count(*)::int as n from job where queue_uid = ${await uidOf(name)} group by 1`;
    return Object.fromEntries(rows.map(({ state, n }) => [state, n]));
  }

  async function settled(name: string, timeoutMs = 15_000): Promise<void> {
    const open = async () => {
      const { waiting = 0, delayed = 0, active = 0 } = await states(name);
      return waiting + delayed + active;
    };
    await expect.poll(open, { timeout: timeoutMs, interval: 20 }).toBe(0);
  }

  return {
    rotor,
    witness,
    startPeer: () => rotor.startPeer({ workers: true }),
    async queue(settings = {}) {
      const name = `q-${randomBytes(5).toString("hex")}`;
      const backoff = { type: "fixed", delay: 0, jitter: 0 } as const;
      const input = { name, callback_url: witness.url, timeout_seconds: 5, backoff, ...settings };
      await call(engine, home.admin, contract.queues.create, input);
      return name;
    },
    change: (name, settings) => call(engine, home.admin, contract.queues.upsert, { name, ...settings }),
    uidOf,
    add: async (name, job = {}) =>
      (await call(engine, home.admin, contract.jobs.enqueue, { name, ...job })).id,
    async addMany(name, jobs) {
      const { jobs: added } = await call(engine, home.admin, contract.jobs.addBatch, { name, jobs });
      return added.map(({ id }) => id);
    },
    job: (name, id) => call(engine, home.admin, contract.jobs.get, { name, id }),
    settled,
    states,
    async stop() {
      await rotor.stop();
      await witness.close();
    },
  };
}
