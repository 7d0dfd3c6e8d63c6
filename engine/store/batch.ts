// Group commit: calls that arrive while a statement is under way share the next one. No timer: a call alone
// is sent at once, and under load a batch is as large as one round trip lets it grow.

const longMs = 20;

export type Batcher<Item, Result> = (item: Item) => Promise<Result>;

type Waiting<Item, Result> = {
  item: Item;
  resolve: (result: Result) => void;
  reject: (error: unknown) => void;
};

export type BatchOptions<Item> = {
  most?: number;
  lanes?: number;
  /** What an item weighs, and how much goes into one batch; a heavier one goes alone. */
  weight?: (item: Item) => number;
  heaviest?: number;
  /**
   * What weighs less waits for a batch that is under way instead of opening another lane, unless that takes long: a
   * batch costs as much as several items, and one that is slow must not hold up the rest.
   */
  worthALane?: number;
};

/** `run` answers one result per item, in order. `lanes` batches may be under way at once; the first free one is taken. */
export function createBatcher<Item, Result>(
  run: (items: Item[], lane: number) => Promise<Result[]>,
  { most = 500, lanes = 1, weight = () => 0, heaviest = 0, worthALane = 0 }: BatchOptions<Item> = {},
): Batcher<Item, Result> {
  let waiting: Waiting<Item, Result>[] = [];
  let waitingWeight = 0;
  /** When the batch of each busy lane began. */
  const busy = new Map<number, number>();
  let looksAgain = false;

  async function drain(lane: number): Promise<void> {
    while (waiting.length > 0 && isWorthALane(lane)) {
      const count = nextCount();
      const batch = waiting.slice(0, count);
      waiting = waiting.slice(count);
      waitingWeight = waiting.reduce((sum, { item }) => sum + weight(item), 0);
      await runBatch(batch, lane);
    }
    // In the same tick as the look at `waiting`: a call that comes later must find the lane free.
    busy.delete(lane);
  }

  /** How many of those that wait go into the next batch: at least one. */
  function nextCount(): number {
    let total = 0;
    const end = Math.min(waiting.length, most);
    for (let index = 0; index < end; index++) {
      total += weight((waiting[index] as Waiting<Item, Result>).item);
      if (index > 0 && total > heaviest) return index;
    }
    return end;
  }

  /** Does what waits go now, or with the next batch of another lane? That lane may be slow: then there is a second look. */
  function isWorthALane(lane?: number): boolean {
    const others = [...busy].filter(([other]) => other !== lane).map(([, began]) => began);
    if (others.length === 0 || waitingWeight >= worthALane) return true;
    if (performance.now() - Math.min(...others) > longMs) return true;
    if (!looksAgain) setTimeout(lookAgain, longMs);
    looksAgain = true;
    return false;
  }

  const mayOpen = () => busy.size < lanes && isWorthALane();

  function lookAgain(): void {
    looksAgain = false;
    if (waiting.length > 0 && mayOpen()) open();
  }

  function open(): void {
    let lane = 0;
    while (busy.has(lane)) lane++;
    busy.set(lane, performance.now());
    // A microtask later, so that calls of the same tick share the first batch too.
    queueMicrotask(() => void drain(lane));
  }

  async function runBatch(batch: Waiting<Item, Result>[], lane: number): Promise<void> {
    busy.set(lane, performance.now());
    try {
      const results = await run(
        batch.map(({ item }) => item),
        lane,
      );
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
      waitingWeight += weight(item);
      if (mayOpen()) open();
    });
}
