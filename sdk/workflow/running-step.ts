// The step that is being executed, as the code it calls sees it.

import { AsyncLocalStorage } from "node:async_hooks";

const running = new AsyncLocalStorage<string>();

/** The step inside of which this is called. */
export function outerStep(): string | undefined {
  return running.getStore();
}

/** Executes a step. One that takes too long has failed; what it still does cannot be stopped. */
export async function runStep(id: string, work: () => unknown, timeoutMs: number): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    const message = `Step "${id}" took longer than ${timeoutMs / 1000} seconds. Split it, or do the long part elsewhere and wait for its event.`;
    timer = setTimeout(() => reject(new Error(message)), timeoutMs);
  });
  try {
    return await Promise.race([running.run(id, async () => work()), limit]);
  } finally {
    clearTimeout(timer);
  }
}
