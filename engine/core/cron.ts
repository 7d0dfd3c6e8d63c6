// Cron expressions as a calendar: which civil times they name, without any time zone. Pure; times are milliseconds
// as if the civil time were UTC.
//
//   second (may be left out: 0) · minute · hour · day of month · month · day of week
//   * and ? any · 1-5 · 1,3 · */2 · 10-20/2 · JAN, MON · L last day · 5L last Friday · 5#3 third Friday
//
// Where both days are given, either is enough, as crontab has it.

/** What is wrong with an expression, in words that go after its name. */
export class CronError extends Error {}

export type Cron = {
  seconds: readonly number[];
  minutes: readonly number[];
  hours: readonly number[];
  months: readonly number[];
  /** Null where any day of the month will do. */
  days: { values: ReadonlySet<number>; last: boolean } | null;
  /** Null where any day of the week will do; nth 0 is every one, -1 the last of the month. */
  weekdays: readonly { day: number; nth: number }[] | null;
  /** True when it names every hour: then it goes by elapsed time, not by the clock on the wall. */
  everyHour: boolean;
};

type Field = { name: string; min: number; max: number; names?: readonly string[] };

const monthNames = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const dayNames = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

const secondField: Field = { name: "second", min: 0, max: 59 };
const minuteField: Field = { name: "minute", min: 0, max: 59 };
const hourField: Field = { name: "hour", min: 0, max: 23 };
const dayField: Field = { name: "day of month", min: 1, max: 31 };
const monthField: Field = { name: "month", min: 1, max: 12, names: monthNames };
/** Sunday is 0, and 7 too. */
const weekdayField: Field = { name: "day of week", min: 0, max: 7, names: dayNames };

const nicknames: Record<string, string> = {
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@hourly": "0 * * * *",
};

const dayMs = 86_400_000;
/** Beyond that nothing is looked for. */
export const horizonYears = 100;

/** The same expressions are read again at every tick. */
const mostRead = 10_000;
const read = new Map<string, Cron>();

/** Throws a CronError. */
export function parseCron(text: string): Cron {
  const known = read.get(text) ?? parse(text);
  if (read.size >= mostRead) read.clear();
  read.set(text, known);
  return known;
}

function parse(text: string): Cron {
  const parts = expand(text.trim());
  const [second, minute, hour, day, month, weekday] = (parts.length === 5 ? ["0", ...parts] : parts) as Six;
  const hours = valuesOf(hourField, hour);
  const cron: Cron = {
    seconds: valuesOf(secondField, second),
    minutes: valuesOf(minuteField, minute),
    hours,
    months: valuesOf(monthField, month),
    days: daysOf(day),
    weekdays: weekdaysOf(weekday),
    everyHour: hours.length === 24,
  };
  // A leap year is never more than eight years away; a fifth Tuesday in February may take forty.
  if (nextCivil(cron, Date.UTC(2000, 0)) === null) {
    throw new CronError("never fires: there is no such day, like the 30th of February");
  }
  return cron;
}

type Six = [string, string, string, string, string, string];

function expand(text: string): string[] {
  if (text.startsWith("@")) {
    const known = nicknames[text.toLowerCase()];
    if (known) return known.split(" ");
    throw new CronError("has no such nickname; @daily is one");
  }
  const parts = text.split(/\s+/);
  if (parts.length === 5 || parts.length === 6) return parts;
  throw new CronError("must have 5 fields, or 6 with the seconds in front");
}

function valuesOf(field: Field, text: string): number[] {
  const values = new Set(text.split(",").flatMap((part) => rangeOf(field, part)));
  return [...values].sort((a, b) => a - b);
}

function rangeOf(field: Field, part: string): number[] {
  const match = /^(?:(\*|\?)|([0-9A-Za-z]+)(?:-([0-9A-Za-z]+))?)(?:\/(\d{1,4}))?$/.exec(part);
  if (!match) throw fieldError(field, "cannot be read");
  const [, any, first, last, every] = match;
  const step = every === undefined ? 1 : Number(every);
  if (step === 0) throw fieldError(field, "has a step of 0");
  const from = any ? field.min : numberOf(field, first as string);
  // `5/15` begins at 5 and goes on to the end.
  const alone = every === undefined ? from : field.max;
  const to = any ? field.max : last === undefined ? alone : numberOf(field, last);
  if (from > to) throw fieldError(field, "has a range that ends before it begins");
  return Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, index) => from + index * step);
}

function numberOf(field: Field, text: string): number {
  const named = field.names?.indexOf(text.toUpperCase()) ?? -1;
  const number = named >= 0 ? named + (field.names === monthNames ? 1 : 0) : Number(text);
  if (/^\d{1,2}$/.test(text) || named >= 0) {
    if (number >= field.min && number <= field.max) return number;
  }
  throw fieldError(field, `must be ${field.min} to ${field.max}${field.names ? " or a name" : ""}`);
}

function fieldError({ name }: Field, problem: string): CronError {
  return new CronError(`cannot be used: the field ${name} ${problem}`);
}

const isAny = (text: string) => text === "*" || text === "?";

function daysOf(text: string): Cron["days"] {
  if (isAny(text)) return null;
  const parts = text.split(",");
  const plain = parts.filter((part) => part.toUpperCase() !== "L");
  const values = new Set(plain.flatMap((part) => rangeOf(dayField, part)));
  return { values, last: plain.length < parts.length };
}

function weekdaysOf(text: string): Cron["weekdays"] {
  if (isAny(text)) return null;
  return text.split(",").flatMap((part) => {
    const [, day, nth] = /^([0-9A-Za-z]+)(?:#([1-5])|L)$/i.exec(part) ?? [];
    if (day !== undefined && day !== "") {
      return [{ day: numberOf(weekdayField, day) % 7, nth: nth === undefined ? -1 : Number(nth) }];
    }
    return weekRange(part).map((one) => ({ day: one % 7, nth: 0 }));
  });
}

/** `*` and open ends stop at Saturday: 7 is Sunday once more. */
function weekRange(part: string): number[] {
  const field = part.includes("-") || /^\w+$/.test(part) ? weekdayField : { ...weekdayField, max: 6 };
  return rangeOf(field, part);
}

/** The first named time after this one; null when there is none for a hundred years. */
export function nextCivil(cron: Cron, after: number): number | null {
  const from = Math.floor(after / 1000) * 1000 + 1000;
  const today = Math.floor(from / dayMs) * dayMs;
  if (isNamedDay(cron, new Date(today))) {
    const time = timeFrom(cron, (from - today) / 1000);
    if (time !== null) return today + time * 1000;
  }
  const day = nextDay(cron, today);
  return day === null ? null : day + (timeFrom(cron, 0) as number) * 1000;
}

/** The first named second of a day that is not before this one. */
function timeFrom({ hours, minutes, seconds }: Cron, from: number): number | null {
  const [hour, minute, second] = [Math.floor(from / 3600), Math.floor(from / 60) % 60, from % 60];
  const first = { minute: minutes[0] as number, second: seconds[0] as number };
  for (const h of hours) {
    if (h < hour) continue;
    if (h > hour) return h * 3600 + first.minute * 60 + first.second;
    for (const m of minutes) {
      if (m < minute) continue;
      if (m > minute) return h * 3600 + m * 60 + first.second;
      const s = seconds.find((one) => one >= second);
      if (s !== undefined) return h * 3600 + m * 60 + s;
    }
  }
  return null;
}

function nextDay(cron: Cron, after: number): number | null {
  const date = new Date(after);
  const lastYear = date.getUTCFullYear() + horizonYears;
  date.setUTCDate(date.getUTCDate() + 1);
  while (date.getUTCFullYear() <= lastYear) {
    if (!cron.months.includes(date.getUTCMonth() + 1)) {
      date.setUTCMonth(date.getUTCMonth() + 1, 1);
    } else if (isNamedDay(cron, date)) {
      return date.getTime();
    } else {
      date.setUTCDate(date.getUTCDate() + 1);
    }
  }
  return null;
}

function isNamedDay({ months, days, weekdays }: Cron, date: Date): boolean {
  if (!months.includes(date.getUTCMonth() + 1)) return false;
  if (!days && !weekdays) return true;
  const day = date.getUTCDate();
  if (days && (days.values.has(day) || (days.last && day === lengthOfMonth(date)))) return true;
  return Boolean(
    weekdays?.some(({ day: named, nth }) => {
      if (named !== date.getUTCDay()) return false;
      return nth === 0 || (nth === -1 ? day + 7 > lengthOfMonth(date) : Math.ceil(day / 7) === nth);
    }),
  );
}

function lengthOfMonth(date: Date): number {
  return new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
}
