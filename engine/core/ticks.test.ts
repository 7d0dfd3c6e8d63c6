import { CronExpressionParser } from "cron-parser";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseCron } from "./cron.ts";
import { type Due, nextTick, planTicks, type Rule } from "./ticks.ts";
import { isTimeZone, localTime } from "./time-zone.ts";

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

function rule(cron: string, timezone: string, more: Partial<Rule> = {}): Rule {
  const limits = { startAt: null, endAt: null };
  return { cron: parseCron(cron), timezone, dstGap: "run", dstOverlap: null, ...limits, ...more };
}

function ticksBetween(of: Rule, from: number, to: number): number[] {
  const found: number[] = [];
  for (let at = nextTick(of, from - 1); at !== null && at < to; at = nextTick(of, at)) found.push(at);
  return found;
}

const shown = (times: readonly (number | null)[]) =>
  times.map((time) => (time === null ? "never" : new Date(time).toISOString().replace(":00.000Z", "")));

function next(of: Rule, after: string, count: number): string[] {
  const found: (number | null)[] = [Date.parse(after)];
  while (found.length <= count) found.push(nextTick(of, found.at(-1) as number));
  return shown(found.slice(1));
}

describe("when the clocks jump forward", () => {
  const newYork = "America/New_York";

  test("a time that does not exist fires once, as much later as the clocks jump", () => {
    const times = ["2026-03-07T07:30", "2026-03-08T07:30", "2026-03-09T06:30"];
    expect(next(rule("30 2 * * *", newYork), "2026-03-07T00:00Z", 3)).toEqual(times);
  });

  test("with dst_gap skip it does not fire that day", () => {
    const skipping = rule("30 2 * * *", newYork, { dstGap: "skip" });
    expect(next(skipping, "2026-03-07T12:00Z", 2)).toEqual(["2026-03-09T06:30", "2026-03-10T06:30"]);
  });

  test("what fires every hour goes on by the hour", () => {
    const times = ["2026-03-08T06:05", "2026-03-08T07:05", "2026-03-08T08:05"];
    expect(next(rule("5 * * * *", newYork), "2026-03-08T05:30Z", 3)).toEqual(times);
  });

  test("a missing midnight fires at one o'clock", () => {
    const times = ["2018-11-03T03:00", "2018-11-04T03:00", "2018-11-05T02:00"];
    expect(next(rule("0 0 * * *", "America/Sao_Paulo"), "2018-11-02T12:00Z", 3)).toEqual(times);
  });

  test("a whole missing day fires on the next one", () => {
    // Samoa went from the 29th to the 31st of December.
    const times = ["2011-12-29T22:00", "2011-12-30T22:00", "2011-12-31T22:00"];
    expect(next(rule("0 12 * * *", "Pacific/Apia"), "2011-12-29T12:00Z", 3)).toEqual(times);
  });

  test("a gap of half an hour is half an hour", () => {
    const times = ["2026-10-03T15:45", "2026-10-04T15:15"];
    expect(next(rule("15 2 * * *", "Australia/Lord_Howe"), "2026-10-03T12:00Z", 2)).toEqual(times);
  });
});

describe("when the clocks jump back", () => {
  const newYork = "America/New_York";

  test("a time that exists twice fires the first time", () => {
    const times = ["2026-11-01T05:30", "2026-11-02T06:30"];
    expect(next(rule("30 1 * * *", newYork), "2026-11-01T00:00Z", 2)).toEqual(times);
  });

  test("with dst_overlap twice it fires both times", () => {
    const twice = rule("30 1 * * *", newYork, { dstOverlap: "twice" });
    const times = ["2026-11-01T05:30", "2026-11-01T06:30", "2026-11-02T06:30"];
    expect(next(twice, "2026-11-01T00:00Z", 3)).toEqual(times);
  });

  test("what fires every hour goes on by the hour, unless told to fire once", () => {
    const times = ["2026-11-01T05:30", "2026-11-01T06:30", "2026-11-01T07:30"];
    expect(next(rule("30 * * * *", newYork), "2026-11-01T05:00Z", 3)).toEqual(times);
    const once = rule("30 * * * *", newYork, { dstOverlap: "once" });
    expect(next(once, "2026-11-01T05:00Z", 2)).toEqual(["2026-11-01T05:30", "2026-11-01T07:30"]);
  });

  test("asked in the middle of the repeated hour, it does not fire again", () => {
    expect(next(rule("30 1 * * *", newYork), "2026-11-01T06:10Z", 1)).toEqual(["2026-11-02T06:30"]);
  });
});

test("start and end bound the ticks, both included", () => {
  const bounds = { startAt: Date.parse("2026-05-02T09:00Z"), endAt: Date.parse("2026-05-03T09:00Z") };
  const bounded = rule("0 9 * * *", "UTC", bounds);
  const times = ["2026-05-02T09:00", "2026-05-03T09:00"];
  expect(next(bounded, "2026-01-01T00:00Z", 2)).toEqual(times);
  expect(nextTick(bounded, bounds.endAt)).toBeNull();
});

test("a day whose clocks jump by half an hour fires what it names, as every other day", () => {
  const times = ["2018-03-14T23:15", "2018-03-31T23:45", "2018-04-14T23:45"];
  expect(next(rule("15 10 1,15 * *", "Australia/Lord_Howe"), "2018-03-03T22:26Z", 3)).toEqual(times);
});

test("a gap that is skipped for ever never fires, and is not looked for without end", () => {
  const never = rule("30 2 29 3 *", "Europe/Berlin", {
    dstGap: "skip",
    endAt: Date.parse("2026-12-31T00:00Z"),
  });
  expect(nextTick(never, Date.parse("2026-01-01T00:00Z"))).toBeNull();
});

const zones = [
  ...[
    "UTC",
    "America/New_York",
    "America/St_Johns",
    "America/Sao_Paulo",
    "America/Santiago",
    "America/Havana",
  ],
  ...["Europe/London", "Europe/Berlin", "Europe/Dublin", "Africa/Cairo", "Africa/Casablanca", "Asia/Beirut"],
  ...["Asia/Gaza", "Asia/Tehran", "Asia/Kathmandu", "Asia/Kolkata", "Asia/Tokyo", "Australia/Lord_Howe"],
  ...["Australia/Adelaide", "Pacific/Apia", "Pacific/Chatham", "Pacific/Auckland", "Antarctica/Troll"],
  ...[
    "America/Asuncion",
    "Atlantic/Azores",
    "America/Nuuk",
    "Asia/Amman",
    "Africa/El_Aaiun",
    "Pacific/Kiritimati",
  ],
];

/** Minutes and hours of every field, written out: nothing of ours reads them. */
const pattern = fc.record({
  minutes: fc.uniqueArray(fc.integer({ min: 0, max: 59 }), { minLength: 1, maxLength: 4 }),
  hours: fc.uniqueArray(fc.integer({ min: 0, max: 23 }), { minLength: 1, maxLength: 24 }),
});

type Wall = { instant: number; civil: number };

/** Every minute of a time as a clock on the wall shows it, by formatting each. */
function* wallClock(zone: string, from: number, to: number): Generator<Wall> {
  const format = new Intl.DateTimeFormat("en-GB", {
    timeZone: zone,
    dateStyle: "short",
    timeStyle: "medium",
  });
  for (let instant = from; instant < to; instant += minute) {
    const [d, m, y, h, min, s] = (format.format(instant).match(/\d+/g) ?? []).map(Number);
    yield { instant, civil: Date.UTC(y as number, (m as number) - 1, d, h, min, s) };
  }
}

/** What should fire, by looking at every minute there is and every minute that was left out. */
function expected(
  { minutes, hours }: { minutes: number[]; hours: number[] },
  how: { zone: string; gap: "run" | "skip"; overlap: "once" | "twice" },
  [from, to]: [number, number],
): number[] {
  const named = (civil: number) =>
    minutes.includes(Math.floor(civil / minute) % 60) && hours.includes(Math.floor(civil / hour) % 24);
  const found = new Set<number>();
  const seen = new Set<number>();
  let before: number | undefined;
  for (const { instant, civil } of wallClock(how.zone, from - 2 * day, to)) {
    for (let left = (before ?? civil) + minute; how.gap === "run" && left < civil; left += minute) {
      if (named(left)) found.add(instant + left - (before as number) - minute);
    }
    if (named(civil) && (how.overlap === "twice" || !seen.has(civil))) found.add(instant);
    seen.add(civil);
    before = civil;
  }
  return [...found].filter((at) => at >= from && at < to).sort((a, b) => a - b);
}

test("over all zones and jumps it fires at exactly the minutes that looking at each of them finds", () => {
  const start = fc.integer({ min: 0, max: 25 * 365 }).map((days) => Date.UTC(2005, 0) + days * day);
  fc.assert(
    fc.property(
      fc.constantFrom(...zones),
      start,
      pattern,
      fc.constantFrom("run", "skip"),
      fc.constantFrom("once", "twice"),
      (zone, about, named, gap, overlap) => {
        // At the next jump, where there is one: all other days are alike.
        const window = aroundJump(zone, about);
        const cron = `${named.minutes.join()} ${named.hours.join()} * * *`;
        const of = rule(cron, zone, { dstGap: gap, dstOverlap: overlap });
        const wanted = expected(named, { zone, gap, overlap }, window);
        expect(shown(ticksBetween(of, ...window))).toEqual(shown(wanted));
      },
    ),
    { numRuns: 80 },
  );
}, 120_000);

function aroundJump(zone: string, about: number): [number, number] {
  const format = new Intl.DateTimeFormat("en-GB", { timeZone: zone, timeZoneName: "longOffset" });
  const offset = (at: number) => format.format(at);
  let at = about;
  while (at < about + 200 * day && offset(at) === offset(at + day)) at += day;
  return [at - day / 2, at + 2 * day];
}

/** The other one gives up on days whose clocks jump by half an hour: those are held against the clock on the wall. */
const zonesOfBoth = zones.filter((zone) => zone !== "Australia/Lord_Howe");

test("it agrees with an independent implementation in every zone", () => {
  const expression = fc.constantFrom(
    ...["0 9 * * 1-5", "*/7 3-17 * * *", "15 10 1,15 * *", "30 12 L * *", "30 4 * * 3#2", "10 8,20 * 2,8 *"],
  );
  const start = fc.integer({ min: Date.UTC(2015, 0), max: Date.UTC(2030, 0) });
  fc.assert(
    fc.property(expression, fc.constantFrom(...zonesOfBoth), start, (text, zone, from) => {
      const other = CronExpressionParser.parse(text, { tz: zone, currentDate: new Date(from) });
      const theirs = Array.from({ length: 5 }, () => other.next().getTime());
      const of = rule(text, zone);
      let at = from;
      const ours = theirs.map(() => (at = nextTick(of, at) as number));
      expect(shown(ours)).toEqual(shown(theirs));
    }),
    { numRuns: 150 },
  );
}, 60_000);

describe("what is done about a due schedule", () => {
  const noon = Date.parse("2026-05-01T12:00Z");
  const due = (more: Partial<Due> = {}): Due => ({
    rule: rule("* * * * *", "UTC"),
    catchUp: "last",
    tick: noon,
    jitterMs: 0,
    ...more,
  });

  test("a tick in time fires, and the next one is awaited", () => {
    const plan = { fire: [noon], missed: null, next: noon + minute };
    expect(planTicks(due(), noon + 30)).toEqual(plan);
  });

  test("a tick that is still to come is left as it is", () => {
    expect(planTicks(due(), noon - 1)).toEqual({ fire: [], missed: null, next: noon });
    expect(planTicks(due({ jitterMs: 20 }), noon + 19)).toEqual({ fire: [], missed: null, next: noon });
  });

  test("ticks that are found a little late fire all of them", () => {
    const everySecond = due({ rule: rule("* * * * * *", "UTC"), catchUp: "skip" });
    const { fire, missed } = planTicks(everySecond, noon + 30 * second);
    expect([fire.length, missed]).toEqual([31, null]);
  });

  test("of missed ticks skip fires none, last the newest and all the newest hundred", () => {
    const daily = rule("0 12 * * *", "UTC");
    const later = noon + 2.5 * day;
    const last = noon + 2 * day;
    const done = { next: last + day };
    const plan = (catchUp: Due["catchUp"]) => planTicks(due({ rule: daily, catchUp }), later);
    expect(plan("skip")).toEqual({ ...done, fire: [], missed: { first: noon, last } });
    expect(plan("last")).toEqual({ ...done, fire: [last], missed: { first: noon, last: last - day } });
    expect(plan("all")).toEqual({ ...done, fire: [noon, noon + day, last], missed: null });
    const hours = planTicks(due({ catchUp: "all" }), noon + 3 * hour + second);
    expect(hours.fire).toHaveLength(100 + 1);
    expect(hours.missed).toEqual({ first: noon, last: noon + 79 * minute });
  });

  test("where the newest tick is in time anyway, last makes up for nothing", () => {
    const { fire, missed } = planTicks(due(), noon + hour + second);
    expect(shown(fire)).toEqual(["2026-05-01T13:00"]);
    expect(shown([missed?.last ?? null])).toEqual(["2026-05-01T12:59"]);
  });

  test("jitter moves when it fires and not which tick it is", () => {
    const spread = due({ jitterMs: 20 * second });
    expect(planTicks(spread, noon + 25 * second)).toMatchObject({ fire: [noon], next: noon + minute });
    expect(planTicks(spread, noon + 79 * second).fire).toEqual([noon]);
    expect(planTicks(spread, noon + 80 * second).fire).toEqual([noon, noon + minute]);
  });

  test("every tick is fired or given up, whenever the schedule is looked at", () => {
    const expressions = fc.constantFrom("* * * * *", "*/13 * * * * *", "0 */5 * * *", "7 9 * * 1-5");
    const pauses = fc.array(
      fc.oneof(fc.integer({ min: 0, max: 5 * day }), fc.integer({ min: 0, max: 90 * second })),
      { minLength: 1, maxLength: 6 },
    );
    fc.assert(
      fc.property(expressions, fc.constantFrom("skip", "last", "all"), pauses, (text, catchUp, waits) => {
        const of = rule(text, "Europe/Berlin");
        const first = nextTick(of, noon) as number;
        const handled: number[] = [];
        let tick = first;
        let now = first;
        for (const wait of waits) {
          now += wait;
          const plan = planTicks(due({ rule: of, catchUp, tick }), now);
          const given = plan.missed ? ticksBetween(of, plan.missed.first, plan.missed.last + 1) : [];
          handled.push(...given, ...plan.fire);
          tick = plan.next as number;
        }
        expect(shown(handled)).toEqual(shown(ticksBetween(of, first, tick)));
      }),
      { numRuns: 60 },
    );
  }, 60_000);
});

test.each([
  ["Europe/Berlin", true],
  ["UTC", true],
  ["US/Eastern", true],
  ["Etc/GMT+5", true],
  ["+05:30", false],
  ["-0300", false],
  ["Z", false],
  ["Mars/Olympus", false],
  ["local", false],
  ["", false],
])("%s as a time zone: %s", (name, is) => {
  expect(isTimeZone(name)).toBe(is);
});

test("local times carry their offset", () => {
  expect(localTime("America/New_York", Date.parse("2026-05-21T13:00Z"))).toBe("2026-05-21T09:00:00-04:00");
  expect(localTime("Asia/Kathmandu", Date.parse("2026-05-21T13:00Z"))).toBe("2026-05-21T18:45:00+05:45");
  expect(localTime("UTC", Date.parse("2026-05-21T13:00Z"))).toBe("2026-05-21T13:00:00+00:00");
});
