// Stand-ins. Replace them with your own.

export type Touch = { channel: string; revenue: number };
export type Page = { touches: Touch[]; next: string | null };
export type Totals = Record<string, number>;

export async function readTouches(_day: string, cursor: string | null): Promise<Page> {
  const pages: Record<string, Page> = {
    first: {
      touches: [
        { channel: "email", revenue: 120 },
        { channel: "ads", revenue: 80 },
      ],
      next: "second",
    },
    second: { touches: [{ channel: "email", revenue: 30 }], next: null },
  };
  return pages[cursor ?? "first"] ?? { touches: [], next: null };
}

/** Adds up what each channel brought. */
export function addUp(totals: Totals, touches: readonly Touch[]): Totals {
  const sums = { ...totals };
  for (const { channel, revenue } of touches) sums[channel] = (sums[channel] ?? 0) + revenue;
  return sums;
}

/** Replaces the day's row, so that storing it twice changes nothing. */
export async function storeTotals(day: string, totals: Totals): Promise<void> {
  console.log(day, totals);
}
