import { pino } from "pino";

/** One JSON line per event on stdout; pino escapes control characters, so a name cannot forge a second line. */
export function createLog(level: string) {
  return pino({
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: { paths: ["authorization", "*.authorization", "token", "*.token", "*.password"], censor: "•••" },
  });
}
