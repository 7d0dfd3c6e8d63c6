// Which of a process's slots for deliveries one queue may take.

/** Deliveries under way in one process, over all queues. */
export const mostInFlight = 2000;
/** Kept for queues that have little under way: a few whose handlers are slow cannot stop all the others. */
const reserved = 500;
/** A queue has little under way up to here. */
const little = 8;

/** How many more a queue may start, by what is free and what it has under way. */
export function shareOf(free: number, inFlight: number): number {
  return Math.max(0, free - reserved, Math.min(free, little - inFlight));
}
