// What it costs to have a queue that this process does not deliver.

import { setTimeout as delay } from "node:timers/promises";
import { contract } from "@rotorsh/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cpuTimeMs } from "../testing/cpu-time.ts";
import { type Delivering, startDelivering } from "../testing/delivering.ts";
import { call } from "../testing/index.ts";

let work: Delivering;

beforeAll(async () => {
  work = await startDelivering();
});

afterAll(() => work.stop());

const pull = () => work.queue({ callback_url: null });

async function paused() {
  const name = await work.queue();
  const { engine, home } = work.rotor;
  await call(engine, home.admin, contract.queues.setState, { name, state: "paused" });
  return name;
}

test.each([
  ["pull", pull],
  ["paused", paused],
])("a %s queue whose jobs wait leaves the process free", async (_kind, makeQueue) => {
  const name = await makeQueue();
  await work.add(name);
  const ms = await cpuTimeMs(async () => {
    await work.add(name);
    await delay(200);
  });
  expect(ms).toBeLessThan(100);
});
