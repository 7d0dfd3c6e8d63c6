// I2: what a handler did while the database was away is written down when it is back, and not done again.

import { contract } from "@rotorsh/contract";
import { expect, test } from "vitest";
import { startEngine } from "../engine.ts";
import { startDelivering } from "../testing/delivering.ts";
import { call, startProxy, testOptions } from "../testing/index.ts";
import { createGate } from "../testing/witness.ts";

test("an end that waits through an outage longer than its lease is taken, and the job is not sent twice", async () => {
  const work = await startDelivering({ workers: false });
  const { rotor, witness } = work;
  const proxy = await startProxy(rotor.url);
  const worker = await startEngine({ ...testOptions(proxy.url), workers: true });
  const gate = createGate();
  witness.behave(gate.behave);
  const name = await work.queue({ concurrency: 20, retry_attempts: 3 });
  const ids = await work.addMany(name, Array(20).fill({}));
  await expect.poll(() => gate.held.length, { timeout: 10_000 }).toBe(20);

  proxy.set("refuse");
  proxy.cut();
  gate.open();
  await expect.poll(() => worker.isReady(), { timeout: 10_000 }).toBe(false);
  await rotor.moveClock("1 hour");
  proxy.set("pass");

  await work.settled(name);
  expect(await work.states(name)).toEqual({ completed: 20 });
  expect(witness.ids(name).toSorted()).toEqual(ids.toSorted());
  const job = await call(rotor.engine, rotor.home.admin, contract.jobs.get, { name, id: ids[0] as string });
  expect(job.attempts_made).toBe(1);
  await worker.close();
  await proxy.close();
  await work.stop();
}, 60_000);
