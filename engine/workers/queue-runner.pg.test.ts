// What it costs to have a queue that this process does not deliver.

import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { contract } from "@rotorsh/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import { mostBytesInFlight, mostInFlight } from "../core/slots.ts";
import { openServices } from "../services.ts";
import { cpuTimeMs } from "../testing/cpu-time.ts";
import { type Delivering, startDelivering } from "../testing/delivering.ts";
import { call, testOptions } from "../testing/index.ts";
import { createGate } from "../testing/witness.ts";
import { createQueueRunner } from "./queue-runner.ts";

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

test("a queue is remembered while it has work under way, and not for longer", async () => {
  const alone = await startDelivering({ workers: false });
  const gate = createGate();
  alone.witness.behave(gate.behave);
  const name = await alone.queue();
  const services = await openServices(testOptions(alone.rotor.url));
  const slots = { free: mostInFlight, freeBytes: mostBytesInFlight };
  const runner = createQueueRunner(await alone.uidOf(name), services, services.outbound, slots);
  runner.wake();
  await expect.poll(() => runner.isForgotten(0)).toBe(true);
  expect(runner.isForgotten(60_000)).toBe(false);
  await alone.add(name);
  runner.wake();
  await expect.poll(() => gate.held.length, { timeout: 10_000 }).toBe(1);
  expect(runner.isForgotten(0)).toBe(false);
  gate.open();
  await alone.settled(name);
  await runner.idle();
  expect(slots).toEqual({ free: mostInFlight, freeBytes: mostBytesInFlight });
  await services.outbound.close();
  await services.broker.close();
  await services.databases.close();
  await alone.stop();
});
