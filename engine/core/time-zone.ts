// How far a zone's clocks are from UTC, and when that changes. The rules are those that the runtime brings along.

/** A time during which the clocks of a zone do not jump. Times are milliseconds. */
export type Stretch = {
  /** When the clocks jumped last; far back, only that it was long ago. */
  start: number;
  /** The clocks show UTC plus this. */
  offset: number;
  /** What they showed before they jumped; the same when they did so long ago. */
  before: number;
  /** The end of what is known to be free of jumps. */
  end: number;
};

type Jump = { at: number; before: number; after: number };
type Zone = { offsetAt(instant: number): number; years: Map<number, Jump[]>; latest: Stretch | undefined };

/** Two jumps of one zone are never closer than weeks. */
const sampleMs = 5 * 86_400_000;
/** Names have many spellings, and any of them may be asked for. */
const mostZones = 1000;
const zones = new Map<string, Zone>();

/** An IANA name: no offset, and nothing that depends on where the server stands. */
export function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z][A-Za-z0-9_+/-]*$/.test(name)) return false;
  try {
    zoneOf(name);
    return true;
  } catch {
    return false;
  }
}

/** `2026-05-21T09:00:00-04:00` */
export function localTime(name: string, instant: number): string {
  const { offset } = stretchAt(name, instant);
  const minutes = Math.round(Math.abs(offset) / 60_000);
  const [hour, minute] = [Math.floor(minutes / 60), minutes % 60].map((part) =>
    String(part).padStart(2, "0"),
  );
  const civil = new Date(instant + offset).toISOString().slice(0, 19);
  return `${civil}${offset < 0 ? "-" : "+"}${hour}:${minute}`;
}

export function stretchAt(name: string, instant: number): Stretch {
  const zone = zoneOf(name);
  const { latest } = zone;
  if (latest && latest.start <= instant && instant < latest.end) return latest;
  zone.latest = findStretch(zone, instant);
  return zone.latest;
}

function findStretch(zone: Zone, instant: number): Stretch {
  const year = new Date(instant).getUTCFullYear();
  const known = [...jumpsIn(zone, year - 1), ...jumpsIn(zone, year)];
  const last = known.findLast(({ at }) => at <= instant);
  const next = known.find(({ at }) => at > instant);
  const offset = last?.after ?? next?.before ?? zone.offsetAt(instant);
  return {
    start: last?.at ?? Date.UTC(year - 1, 0),
    offset,
    before: last?.before ?? offset,
    end: next?.at ?? Date.UTC(year + 1, 0),
  };
}

function zoneOf(name: string): Zone {
  const known = zones.get(name);
  if (known) return known;
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone: name,
    hourCycle: "h23",
    ...{ year: "numeric", month: "numeric", day: "numeric" },
    ...{ hour: "numeric", minute: "numeric", second: "numeric" },
  });
  const zone: Zone = {
    offsetAt(instant) {
      const whole = Math.floor(instant / 1000) * 1000;
      const [month = 1, day, year = 0, ...time] = (format.format(whole).match(/\d+/g) ?? []).map(Number);
      return Date.UTC(year, month - 1, day, ...time) - whole;
    },
    years: new Map(),
    latest: undefined,
  };
  if (zones.size >= mostZones) zones.clear();
  zones.set(name, zone);
  return zone;
}

function jumpsIn(zone: Zone, year: number): Jump[] {
  const known = zone.years.get(year);
  if (known) return known;
  const jumps: Jump[] = [];
  const [from, to] = [Date.UTC(year, 0), Date.UTC(year + 1, 0)];
  // From just before the year begins to just before it ends: a jump at midnight belongs to the new year.
  for (let at = from - 1000; at < to - 1000; at += sampleMs) {
    const jump = jumpBetween(zone, at, Math.min(at + sampleMs, to - 1000));
    if (jump) jumps.push(jump);
  }
  zone.years.set(year, jumps);
  return jumps;
}

function jumpBetween({ offsetAt }: Zone, from: number, to: number): Jump | undefined {
  const [before, after] = [offsetAt(from), offsetAt(to)];
  if (before === after) return undefined;
  let [low, high] = [from, to];
  while (high - low > 1000) {
    const middle = low + Math.floor((high - low) / 2000) * 1000;
    if (offsetAt(middle) === before) low = middle;
    else high = middle;
  }
  return { at: high, before, after };
}
