import { type DestinationStream, pino } from "pino";

/** Lines that come close together are written together: a write for each costs more than its line. */
const together = { minLength: 4096, periodicFlush: 100, sync: false };

/** One JSON line per event on stdout; pino escapes control characters, so a name cannot forge a second line. */
export function createLog(level: string, destination?: DestinationStream) {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: describeError },
    redact: { paths: ["authorization", "*.authorization", "token", "*.token", "*.password"], censor: "•••" },
  };
  return pino(options, destination ?? pino.destination(together));
}

/**
 * For lines whose fields are known to hold no secret, such as one per request: to look for one takes longer than to
 * write the line.
 */
export function createAccessLog(log: ReturnType<typeof createLog>) {
  return log.child({}, { redact: [] });
}

const mostCauses = 5;

/**
 * What went wrong and where, and never with which values: a failed statement carries its parameters in fields and
 * in its message, and Postgres tells of the row in `detail`. They may be payloads, or headers that hold a password.
 */
function describeError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return String(error);
  const { query, code } = error as { query?: unknown; code?: unknown };
  const message = typeof query === "string" ? `Failed query: ${query}` : error.message;
  return {
    type: error.name,
    message,
    ...(code !== undefined && { code }),
    stack: framesOf(error),
    ...(error.cause !== undefined && depth < mostCauses && { cause: describeError(error.cause, depth + 1) }),
  };
}

/** The stack without the message at its head. */
function framesOf({ stack = "", message }: Error): string {
  const start = stack.indexOf(message);
  return (start < 0 ? "" : stack.slice(start + message.length)).trimStart();
}
