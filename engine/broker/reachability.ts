// Whether the broker can be reached, told to the log once per change.

import type { Log } from "../log.ts";

export type Reachability = {
  readonly isUp: boolean;
  up(): void;
  down(error: unknown): void;
  /** From now on connections are lost because they are closed. */
  end(): void;
};

export function trackReachability(log: Log): Reachability {
  let isUp = true;
  let ended = false;
  return {
    get isUp() {
      return isUp;
    },
    up() {
      if (isUp) return;
      isUp = true;
      log.info({}, "the broker answers again");
    },
    down(error) {
      if (!isUp || ended) return;
      isUp = false;
      log.warn(
        { err: error },
        "the broker does not answer; until it does, work is found by polling the database",
      );
    },
    end() {
      ended = true;
    },
  };
}
