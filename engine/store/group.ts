// A batcher whose items do not fail each other: what the database refuses together is tried one by one.

import { createBatcher } from "./batch.ts";
import { isDeadlock, isUnavailable } from "./database.ts";

const lanes = 2;
const largestBatch = 200;
/** Fewer share the next statement instead of having one of their own. */
const worthALane = 8;

export function createGroup<Item, Result>(run: (items: readonly Item[], lane: number) => Promise<Result[]>) {
  const together = createBatcher<Item, Result | Failure>(
    (items, lane) => runAll((some) => run(some, lane), items),
    {
      ...{ lanes, most: largestBatch, worthALane },
      weight: () => 1,
      heaviest: largestBatch,
    },
  );
  return async (item: Item): Promise<Result> => {
    const result = await together(item);
    if (result instanceof Failure) throw result.cause;
    return result;
  };
}

class Failure {
  readonly cause: unknown;
  constructor(cause: unknown) {
    this.cause = cause;
  }
}

async function runAll<Item, Result>(
  run: (items: readonly Item[]) => Promise<Result[]>,
  items: readonly Item[],
): Promise<(Result | Failure)[]> {
  try {
    return await run(items);
  } catch (error) {
    if (items.length === 1 || (isUnavailable(error) && !isDeadlock(error)))
      return items.map(() => new Failure(error));
    const alone: (Result | Failure)[] = [];
    for (const item of items) alone.push(...(await runAll(run, [item])));
    return alone;
  }
}
