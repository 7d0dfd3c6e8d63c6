// What it costs to have a queue that this process does not deliver.

import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
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

test("a queue's whole concurrency is under way at once, though all of it goes to one handler", async () => {
  const waiting: ServerResponse[] = [];
  const handler = createServer((_, response) => {
    waiting.push(response);
    if (waiting.length >= 400) for (const one of waiting.splice(0)) one.end();
  }).listen(0, "127.0.0.1");
  await once(handler, "listening");
  const url = `http://127.0.0.1:${(handler.address() as AddressInfo).port}`;
  const name = await work.queue({ callback_url: url, concurrency: 400, timeout_seconds: 10 });
  await work.addMany(name, Array(400).fill({ attempts: 1 }));
  await work.settled(name);
  handler.closeAllConnections();
  handler.close();
  expect(await work.states(name)).toEqual({ completed: 400 });
}, 30_000);
