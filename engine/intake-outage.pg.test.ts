// What is taken in as a whole is so, too, when the line to the database is cut in the middle of it.

import { contract } from "@rotorsh/contract";
import { expect, test } from "vitest";
import { startEngine } from "./engine.ts";
import { call, codeOf, startProxy, startTestEngine, testOptions } from "./testing/index.ts";

const turn = () => new Promise(setImmediate);

test("I1: strict batches under cuts are stored whole or not at all, and end no process", async () => {
  const rotor = await startTestEngine();
  await call(rotor.engine, rotor.home.admin, contract.queues.create, { name: "q" });
  const proxy = await startProxy(rotor.url);
  const engine = await startEngine(testOptions(proxy.url));
  const stored: string[] = [];
  const codes = new Set<string>();
  for (let round = 0; round < 40; round++) {
    const sent = Array.from({ length: 8 }, async (_, index) => {
      const ids = [1, 2, 3].map((n) => `r${round}-${index}-${n}`);
      const jobs = ids.map((jobId) => ({ jobId, strict: true }));
      const code = await codeOf(call(engine, rotor.home.admin, contract.jobs.addBatch, { name: "q", jobs }));
      codes.add(code);
      if (code === "ok") stored.push(...ids);
    });
    // Each time at another moment of the transaction.
    for (let turns = 0; turns < round % 8; turns++) await turn();
    proxy.cut();
    await Promise.all(sent);
  }
  expect([...codes].sort()).toEqual(["UNAVAILABLE", "ok"].filter((code) => codes.has(code)));
  const rows = await rotor.sql<{ id: string }[]>`select id from job`;
  const found = new Set(rows.map(({ id }) => id));
  expect(stored.filter((id) => !found.has(id))).toEqual([]);
  // Whole batches only: each has three jobs.
  expect(found.size % 3).toBe(0);
  const batches = new Set([...found].map((id) => id.replace(/-\d$/, "")));
  expect(found.size).toBe(batches.size * 3);
  await engine.close();
  await proxy.close();
  await rotor.stop();
}, 60_000);
