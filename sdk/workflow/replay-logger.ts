import type { Logger } from "./types.ts";

/** Passes on only what is said by code that runs for the first time. */
export function quietWhile(isReplaying: () => boolean, logger: Logger): Logger {
  const level =
    (name: keyof Logger) =>
    (...values: unknown[]) => {
      if (!isReplaying()) logger[name](...values);
    };
  return { debug: level("debug"), info: level("info"), warn: level("warn"), error: level("error") };
}
