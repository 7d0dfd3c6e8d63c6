// Notices a database that no longer answers, as behind a network that swallows everything. A refused or cut
// connection needs no watch: there every statement fails by itself.

import { setImmediate as ioTurn } from "node:timers/promises";
import type postgres from "postgres";

const everyMs = 1000;
const silenceMs = 2000;

export type Heartbeat = {
  /** Does the database answer now? Resolves within a second. */
  answers(): Promise<boolean>;
  stop(): Promise<void>;
};

export type Watch = {
  open(): postgres.Sql;
  /** Called once when an answer has not come for two seconds, and `back` when the next one comes. */
  silent(): void;
  back(): void;
};

export function startHeartbeat({ open, silent, back }: Watch): Heartbeat {
  let client = open();
  let isSilent = false;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  async function beat(): Promise<void> {
    const answer = await within(silenceMs, client`select 1`);
    if (stopped) return;
    if (answer === "none") {
      void client.end({ timeout: 0 });
      client = open();
    }
    if (answer === "none" && !isSilent) {
      isSilent = true;
      silent();
    } else if (answer === "came" && isSilent) {
      isSilent = false;
      back();
    }
    schedule();
  }

  function schedule(): void {
    timer = setTimeout(() => void beat(), isSilent ? everyMs / 4 : everyMs);
    timer.unref();
  }

  schedule();
  return {
    answers: async () => !isSilent && (await within(everyMs, client`select 1`)) === "came",
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await client.end({ timeout: 0 });
    },
  };
}

type Answer = "came" | "failed" | "none";

async function within(ms: number, query: PromiseLike<unknown>): Promise<Answer> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<Answer>((resolve) => {
    timer = setTimeout(async () => {
      // A process that was busy for long has the answer waiting: let it be read before giving up.
      await ioTurn();
      await ioTurn();
      resolve("none");
    }, ms);
  });
  const answer = query.then(
    () => "came" as const,
    () => "failed" as const,
  );
  try {
    return await Promise.race([answer, limit]);
  } finally {
    clearTimeout(timer);
  }
}
