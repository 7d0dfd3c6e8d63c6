// When to send a request again, and how long to wait first. Pure: chance and time are passed in.

const firstDelayMs = 250;
const longestDelayMs = 5000;

/** A server that asks for more patience than this gets an error instead of a hanging caller. */
export const longestRetryAfterMs = 60_000;

const passingStatuses = new Set([429, 502, 503, 504]);

export function isPassing(status: number): boolean {
  return passingStatuses.has(status);
}

/** Full jitter: anything from nothing to the doubled delay, so that clients do not come back in step. */
export function backoffMs(retry: number, chance: number): number {
  return chance * Math.min(longestDelayMs, firstDelayMs * 2 ** retry);
}

/** Reads Retry-After, which is either seconds or a date. */
export function retryAfterMs(header: string | null, nowMs: number): number | undefined {
  if (header === null) return undefined;
  if (/^\d+$/.test(header.trim())) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}
