// Group commit: calls that arrive while a statement is under way share the next one. No timer: a call alone
// is sent at once, and under load a batch is as large as one round trip lets it grow.

export type Batcher<Item, Result> = (item: Item) => Promise<Result>;

type Waiting<Item, Result> = {
  item: Item;
  resolve: (result: Result) => void;
  reject: (error: unknown) => void;
};

/** `run` answers one result per item, in order. `lanes` batches may be under way at once. */
export function createBatcher<Item, Result>(
  run: (items: Item[]) => Promise<Result[]>,
  { most = 500, lanes = 1 }: { most?: number; lanes?: number } = {},
): Batcher<Item, Result> {
  let waiting: Waiting<Item, Result>[] = [];
  let busy = 0;

  async function drain(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting.slice(0, most);
      waiting = waiting.slice(most);
      await runBatch(batch);
    }
    // In the same tick as the look at `waiting`: a call that comes later must find the lane free.
    busy--;
  }

  async function runBatch(batch: Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await run(batch.map(({ item }) => item));
      batch.forEach(({ resolve }, index) => {
        resolve(results[index] as Result);
      });
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      if (busy >= lanes) return;
      busy++;
      // A microtask later, so that calls of the same tick share the first batch too.
      queueMicrotask(() => void drain());
    });
}
