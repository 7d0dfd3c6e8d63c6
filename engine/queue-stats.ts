// The numbers of queues, as many ask for them: requests that arrive while a look at a queue is under way share the
// next one, so each sees what was committed before it came, and a crowd costs no more than one. Queues do not wait
// for each other.

import type { Databases } from "./store/database.ts";
import { type QueueNumbers, readNumbers } from "./store/queue-numbers.ts";

type Asked = { workspaceId: string; name: string };
type Look = Promise<QueueNumbers | undefined>;

/** Undefined for a queue that does not exist. */
export type ReadQueueNumbers = (queue: Asked) => Look;

export function createReadQueueNumbers({ engine }: Pick<Databases, "engine">): ReadQueueNumbers {
  const underWay = new Map<string, Look>();
  const next = new Map<string, Look>();

  function start(key: string, { workspaceId, name }: Asked): Look {
    next.delete(key);
    const look = readNumbers(engine, workspaceId, name);
    underWay.set(key, look);
    const over = () => {
      if (underWay.get(key) === look) underWay.delete(key);
    };
    look.then(over, over);
    return look;
  }

  return (asked) => {
    const key = `${asked.workspaceId}|${asked.name}`;
    const begin = () => start(key, asked);
    const look = next.get(key) ?? underWay.get(key)?.then(begin, begin) ?? begin();
    if (underWay.get(key) !== look) next.set(key, look);
    return look;
  };
}
