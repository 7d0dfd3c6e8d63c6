/** Most that one call does before it answers how far it came. */
const mostRows = 100_000;
const mostMs = 5000;

export type Budget = { spend(rows: number): void; readonly isSpent: boolean };

/** Bounds one call: its transaction holds locks, and its caller waits. */
export function createBudget(): Budget {
  const startedAt = performance.now();
  let rows = 0;
  return {
    spend(count) {
      rows += count;
    },
    get isSpent() {
      return rows >= mostRows || performance.now() - startedAt >= mostMs;
    },
  };
}
