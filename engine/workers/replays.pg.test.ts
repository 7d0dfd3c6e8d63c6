// A canary replay from the call to its end, through the loops and a real handler.

import { contract } from "@rotorsh/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Delivering, startDelivering } from "../testing/delivering.ts";
import { call } from "../testing/index.ts";
import { accept, answer } from "../testing/witness.ts";

let work: Delivering;
beforeAll(async () => {
  work = await startDelivering();
});
afterAll(() => work.stop());

const perform = <Op extends Parameters<typeof call>[2]>(operation: Op, input: object) =>
  call(work.rotor.engine, work.rotor.home.admin, operation, input as never);

async function failedQueue(count: number): Promise<string> {
  const name = await work.queue({ concurrency: 50, retry_attempts: 1 });
  work.witness.behave(answer(503));
  await work.addMany(
    name,
    Array.from({ length: count }, (_, index) => ({ jobId: `j${index}` })),
  );
  await work.settled(name);
  return name;
}

async function replay(name: string) {
  const { replay } = await perform(contract.dlq.replay, { name, all: true, canary: true });
  const look = () => perform(contract.dlq.getReplay, { name, id: replay?.id });
  await expect.poll(async () => (await look()).state, { timeout: 15_000 }).not.toBe("running");
  return look();
}

test("once the handler is well again all are delivered, the old ones stay as they were", async () => {
  const name = await failedQueue(120);
  work.witness.behave(accept);
  expect(await replay(name)).toMatchObject({ state: "completed", sent: 120, completed: 120, error_rate: 0 });
  expect(await work.states(name)).toEqual({ failed: 120, completed: 120 });
  const visited = work.witness.ids(name).filter((id) => id.startsWith("replay-"));
  expect(new Set(visited).size).toBe(120);
});

test("while it is still broken no more than 1 % are tried", async () => {
  const name = await failedQueue(120);
  expect(await replay(name)).toMatchObject({
    state: "stopped",
    stopped_because: "error_rate",
    sent: 2,
    failed: 2,
  });
  expect(await work.states(name)).toEqual({ failed: 122 });
});
