// Which of a process's slots for deliveries one queue may take, and how much memory.

/** Deliveries under way in one process, over all queues. */
export const mostInFlight = 2000;
/** Kept for queues that have little under way: a few whose handlers are slow cannot stop all the others. */
const reserved = 500;
/** A queue has little under way up to here. */
const little = 8;

/** Bytes of payloads under way in one process, over all queues. */
export const mostBytesInFlight = 64 * 1024 * 1024;
/** Kept for queues that have few of them under way. */
const reservedBytes = 16 * 1024 * 1024;
const fewBytes = 1024 * 1024;
/** So much a claim may bring even when others are claiming everything else. */
const smallestClaimBytes = 256 * 1024;

/** What is free in the process. */
export type Slots = { free: number; freeBytes: number };
/** What one queue has under way. */
export type Held = { jobs: number; bytes: number };

/**
 * How many more a queue may start. Where memory is used up, a queue that has nothing under way still starts one:
 * whoever sends large payloads stops nobody else.
 */
export function shareOf({ free, freeBytes }: Slots, held: Held): number {
  if (roomOf(freeBytes, held) <= 0) return held.jobs === 0 ? Math.min(free, 1) : 0;
  return Math.max(0, free - reserved, Math.min(free, little - held.jobs));
}

/** How many bytes a claim may bring: a part of what is free, for other queues claim at the same time. */
export function bytesOf(freeBytes: number, held: Held): number {
  return Math.max(smallestClaimBytes, Math.floor(roomOf(freeBytes, held) / 4));
}

function roomOf(freeBytes: number, { bytes }: Held): number {
  return bytes > fewBytes ? freeBytes - reservedBytes : freeBytes;
}
