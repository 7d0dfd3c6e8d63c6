// When a failed attempt is tried again. Randomness arrives as an argument, like time.

export type Backoff = { type: "fixed" | "exponential"; delay: number; jitter: number };

/** No wait is longer, however often a job has failed or whatever a receiver asks for. */
export const longestDelayMs = 24 * 60 * 60 * 1000;

/** `attempt` is the one that failed, from 1; `random` is in [0, 1) and spreads the share that jitters. */
export function retryDelayMs({ type, delay, jitter }: Backoff, attempt: number, random: number): number {
  const grown = type === "fixed" ? delay : delay * 2 ** (attempt - 1);
  const capped = Math.min(grown, longestDelayMs);
  return Math.round(capped * (1 - jitter) + capped * jitter * random);
}
