import fc from "fast-check";
import { expect, onTestFinished, test, vi } from "vitest";
import { type BatchOptions, createBatcher } from "./batch.ts";

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Runs batches when told to. */
function heldBatches<Result>(answer: (item: number) => Result, options?: BatchOptions<number>) {
  const batches: { items: number[]; finish(): void; fail(error: Error): void }[] = [];
  const batch = createBatcher<number, Result>(
    (items) =>
      new Promise((resolve, reject) => {
        batches.push({ items, finish: () => resolve(items.map(answer)), fail: reject });
      }),
    options,
  );
  return { batch, batches };
}

test("a call alone goes out at once, and calls of the same tick go together", async () => {
  const { batch, batches } = heldBatches((item) => item * 10);
  const answers = Promise.all([batch(1), batch(2)]);
  await turn();
  expect(batches.map(({ items }) => items)).toEqual([[1, 2]]);
  batches[0]?.finish();
  expect(await answers).toEqual([10, 20]);
});

test("calls that come while a batch is under way share the next one, in their order", async () => {
  const { batch, batches } = heldBatches((item) => item);
  const answers = [batch(1)];
  await turn();
  answers.push(batch(2), batch(3), batch(4));
  await turn();
  expect(batches).toHaveLength(1);
  batches[0]?.finish();
  await turn();
  expect(batches[1]?.items).toEqual([2, 3, 4]);
  batches[1]?.finish();
  expect(await Promise.all(answers)).toEqual([1, 2, 3, 4]);
});

test("no batch is larger than the most, and no more run at once than there are lanes", async () => {
  const { batch, batches } = heldBatches((item) => item, { most: 3, lanes: 2 });
  const answers = Promise.all(Array.from({ length: 10 }, (_, index) => batch(index)));
  let finished = 0;
  while (finished < 10) {
    await turn();
    expect(batches.length).toBeLessThanOrEqual(2);
    const done = batches.shift();
    expect(done?.items.length).toBeLessThanOrEqual(3);
    finished += done?.items.length ?? 0;
    done?.finish();
  }
  expect(await answers).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test("a batch that fails fails its own calls only, and the next one runs", async () => {
  const { batch, batches } = heldBatches((item) => item);
  const first = expect(batch(1)).rejects.toThrow("down");
  await turn();
  const second = batch(2);
  batches[0]?.fail(new Error("down"));
  await first;
  await turn();
  batches[1]?.finish();
  expect(await second).toBe(2);
});

test("a call is never lost, however soon after an answer it is made", async () => {
  // A caller some promises away from the answer meets the batcher in every state it passes through.
  const delays = fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(delays, async (ticks) => {
      const batch = createBatcher<number, number>(async (items) => items);
      for (const count of ticks) {
        expect(await batch(count)).toBe(count);
        for (let tick = 0; tick < count; tick++) await null;
      }
    }),
  );
});

test("a batch is no heavier than allowed, and an item that is goes alone", async () => {
  const batches: number[][] = [];
  const add = createBatcher<number, number>(
    async (items) => {
      batches.push(items);
      return items;
    },
    { weight: (item) => item, heaviest: 10 },
  );
  await Promise.all([4, 5, 3, 40, 2, 2].map(add));
  expect(batches).toEqual([[4, 5], [3], [40], [2, 2]]);
});

test("few calls wait for the batch under way, many do not, and a batch that takes long holds up nobody", async () => {
  const { batch, batches } = heldBatches((item) => item, {
    lanes: 3,
    weight: () => 1,
    heaviest: 10,
    worthALane: 2,
  });
  const first = batch(1);
  await turn();
  const second = batch(2);
  await turn();
  expect(batches).toHaveLength(1);
  const third = batch(3);
  await turn();
  expect(batches.map(({ items }) => items)).toEqual([[1], [2, 3]]);
  // Nothing comes after it that would ask for a lane.
  const fourth = batch(4);
  await vi.waitUntil(() => batches.length === 3, { timeout: 15_000, interval: 5 });
  for (const { finish } of batches) finish();
  expect(await Promise.all([first, second, third, fourth])).toEqual([1, 2, 3, 4]);
});

test("a lane that becomes free leaves few calls to the next batch of another, unless that takes long", async () => {
  vi.useFakeTimers({ toFake: ["performance", "setTimeout"] });
  onTestFinished(() => void vi.useRealTimers());
  const { batch, batches } = heldBatches((item) => item, {
    lanes: 2,
    weight: () => 1,
    heaviest: 10,
    worthALane: 2,
  });
  const calls = [batch(1)];
  await turn();
  calls.push(batch(2), batch(3));
  await turn();
  calls.push(batch(4));
  batches[0]?.finish();
  await calls[0];
  await turn();
  expect(batches.map(({ items }) => items)).toEqual([[1], [2, 3]]);
  vi.advanceTimersByTime(50);
  await turn();
  expect(batches[2]?.items).toEqual([4]);
  for (const { finish } of batches) finish();
  expect(await Promise.all(calls)).toEqual([1, 2, 3, 4]);
});
