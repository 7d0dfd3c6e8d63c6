import { expect, test, vi } from "vitest";
import { createCoalescer } from "./coalescer.ts";

function recording(answer: () => Promise<void> = async () => {}) {
  const sent: number[][] = [];
  const coalescer = createCoalescer<number>(async (keys) => {
    sent.push(keys);
    await answer();
  }, 10);
  return { sent, coalescer };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test("the first goes out at once, together with those of the same tick", async () => {
  const { sent, coalescer } = recording();
  coalescer.add([1]);
  coalescer.add([2, 1]);
  await turn();
  expect(sent).toEqual([[1, 2]]);
});

test("a key that comes while it is being sent is sent again afterwards", async () => {
  let done = () => {};
  const { sent, coalescer } = recording(() => new Promise((resolve) => (done = resolve)));
  coalescer.add([1]);
  await turn();
  coalescer.add([1]);
  coalescer.add([1]);
  await turn();
  expect(sent).toEqual([[1]]);
  done();
  await vi.waitFor(() => expect(sent).toEqual([[1], [1]]));
  done();
  await coalescer.close();
});

test("closing forgets what was not sent and waits for what is on its way", async () => {
  let done = () => {};
  const { sent, coalescer } = recording(() => new Promise((resolve) => (done = resolve)));
  coalescer.add([1]);
  await turn();
  coalescer.add([2]);
  const closed = coalescer.close();
  coalescer.add([3]);
  done();
  await closed;
  expect(sent).toEqual([[1]]);
});
