// Billing periods are calendar months in UTC; rate windows are whole minutes.

export type Period = { from: Date; to: Date };

export function monthOf(now: Date): Period {
  const year = now.getUTCFullYear();
  const month = now.getUTCMonth();
  return { from: new Date(Date.UTC(year, month, 1)), to: new Date(Date.UTC(year, month + 1, 1)) };
}

const minuteMs = 60_000;

export function minuteOf(now: Date): Period {
  const from = Math.floor(now.getTime() / minuteMs) * minuteMs;
  return { from: new Date(from), to: new Date(from + minuteMs) };
}

export function secondsUntil(end: Date, now: Date): number {
  return Math.max(1, Math.ceil((end.getTime() - now.getTime()) / 1000));
}
