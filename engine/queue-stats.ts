// The numbers of queues, as many ask for them: requests that arrive while a look is under way share the next one, so
// each sees what was committed before it came, and a crowd costs no more than one.

import { createBatcher } from "./store/batch.ts";
import type { Databases } from "./store/database.ts";
import { type QueueNumbers, readNumbers } from "./store/queue-numbers.ts";

type Asked = { workspaceId: string; name: string };

/** Undefined for a queue that does not exist. */
export type ReadQueueNumbers = (queue: Asked) => Promise<QueueNumbers | undefined>;

const lanes = 2;

export function createReadQueueNumbers({ engine }: Pick<Databases, "engine">): ReadQueueNumbers {
  return createBatcher<Asked, QueueNumbers | undefined>(
    async (asked) => {
      const looks = new Map<string, Promise<QueueNumbers | undefined>>();
      return Promise.all(
        asked.map(({ workspaceId, name }) => {
          const key = `${workspaceId}|${name}`;
          const look = looks.get(key) ?? readNumbers(engine, workspaceId, name);
          looks.set(key, look);
          return look;
        }),
      );
    },
    { lanes },
  );
}
