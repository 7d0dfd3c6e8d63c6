const firstMs = 1000;
const longestMs = 60 * 60 * 1000;

/** As the server does it, without the jitter: 1 s, doubling, at most 1 h. */
export function retryAfterMs(attempt: number): number {
  return Math.min(firstMs * 2 ** (attempt - 1), longestMs);
}
