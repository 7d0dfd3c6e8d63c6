// Personal data in a text: email addresses, card numbers, social security numbers, phone numbers. Every pattern is one
// pass over the text, or bounded: a payload that was made to be slow is not.

import type { PiiKind } from "@rotorsh/contract";
import { digitGroups, type Group, type Writing, windowsFrom } from "./digits.ts";
import { endOf, plainForm } from "./normal.ts";

/** Is this a number that could be called? Begins with + or is one of the country's own. */
export type IsPhone = (number: string) => boolean;

export type PiiRules = { kinds: readonly PiiKind[]; isPhone: IsPhone };

type Place = { from: number; to: number };
type Span = Place & { kind: PiiKind };
type IsFree = (place: Place) => boolean;

const placeholders: Record<PiiKind, string> = {
  email: "[REDACTED-EMAIL]",
  phone: "[REDACTED-PHONE]",
  ssn: "[REDACTED-SSN]",
  card: "[REDACTED-CARD]",
};

/** The text without personal data, and which kinds were in it; the very same text when there was none. */
export function redactText(text: string, key: string, rules: PiiRules): { text: string; kinds: PiiKind[] } {
  const plain = plainForm(text);
  const spans = mayHold(plain) ? findPii(plain, key, rules) : [];
  if (spans.length === 0) return { text, kinds: [] };
  let [made, at] = ["", 0];
  for (const { from, to, kind } of spans) {
    made += plain.slice(at, from) + placeholders[kind];
    at = to;
  }
  return { text: made + plain.slice(at), kinds: [...new Set(spans.map(({ kind }) => kind))] };
}

/** What was found, in order; where two patterns meet, the surer one counts. */
function findPii(text: string, key: string, { kinds, isPhone }: PiiRules): Span[] {
  const taken: Span[] = [];
  const used = new Uint8Array(text.length);
  const isFree: IsFree = ({ from, to }) => !used.subarray(from, to).includes(1);
  const take = (kind: PiiKind, found: Iterable<Place>) => {
    for (const place of found) {
      if (!isFree(place)) continue;
      used.fill(1, place.from, place.to);
      taken.push({ ...place, kind });
    }
  };
  take("email", emails(text));
  const groups = digitGroups(text);
  take("card", cards(groups, text));
  take("ssn", socialSecurityNumbers(groups, text, key));
  take("phone", phones(groups, text, isFree, isPhone));
  // A card is never half a phone number, also where only phone numbers are looked for.
  return taken.filter(({ kind }) => kinds.includes(kind)).sort((a, b) => a.from - b.from);
}

const fewestDigits = 7;

/** Most texts hold nothing, and are told apart by their letters alone. */
function mayHold(text: string): boolean {
  let digits = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code >= 48 && code <= 57 && ++digits === fewestDigits) return true;
    // An @, or what may be an @ that is escaped.
    if (code === 64 || code === 37 || code === 38 || code === 92) return true;
  }
  return false;
}

const isLocal = /[\p{L}\p{N}\p{M}\p{Cs}._+%-]/u;

function* emails(text: string) {
  for (const { index, 0: sign } of text.matchAll(/@|%40|&#0*64;|&#x0*40;|&commat;|\\+u0040/gi)) {
    const local = endOf(text, index, isLocal);
    const rest = text.slice(index + sign.length, index + sign.length + 255);
    const host = /^[\p{L}\p{N}\p{M}-]+(?:\.[\p{L}\p{N}\p{M}-]+)*/u.exec(rest)?.[0];
    if (local === "" || !host || !/\.(?!\d+$)[^.]{2,}$/.test(host)) continue;
    yield { from: index - local.length, to: index + sign.length + host.length };
  }
}

const cardWriting: Writing = { between: /^[ -]$/, mostGroups: 5, fewest: 13, most: 19 };
const phoneWriting: Writing = {
  between: /^(?:[ ./-]|\) ?|\)-| \(| - )$/,
  mostGroups: 6,
  fewest: 7,
  most: 15,
};

function* cards(groups: readonly Group[], text: string) {
  for (let first = 0; first < groups.length; first++) {
    for (const { last, digits } of windowsFrom(groups, first, text, cardWriting)) {
      if (!isCard(digits)) continue;
      yield { from: (groups[first] as Group).from, to: (groups[last] as Group).to };
      first = last;
      break;
    }
  }
}

/** Beginning and length of the great networks, and the check digit. */
export function isCard(digits: string): boolean {
  const known = networks.some(
    ([begin, lengths]) => begin.test(digits) && (lengths as readonly number[]).includes(digits.length),
  );
  return known && passesLuhn(digits);
}

const networks = [
  [/^4/, [13, 16, 19]],
  [/^(5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)/, [16]],
  [/^3[47]/, [15]],
  [/^(6011|64[4-9]|65)/, [16, 19]],
  [/^(30[0-5]|3[689])/, [14, 16, 19]],
  [/^35(2[89]|[3-8])/, [16, 17, 18, 19]],
  [/^62/, [16, 17, 18, 19]],
  [/^(50|5[6-9]|6[37])/, [13, 14, 15, 16, 17, 18, 19]],
] as const;

function passesLuhn(digits: string): boolean {
  let sum = 0;
  for (let at = 0; at < digits.length; at++) {
    const digit = digits.charCodeAt(digits.length - 1 - at) - 48;
    const twice = at % 2 === 1 ? digit * 2 : digit;
    sum += twice > 9 ? twice - 9 : twice;
  }
  return sum % 10 === 0;
}

function* socialSecurityNumbers(groups: readonly Group[], text: string, key: string) {
  for (const [index, { from, to, text: digits }] of groups.entries()) {
    const [second, third] = [groups[index + 1], groups[index + 2]];
    if (digits.length === 9 && isSsn(digits) && isCalledSsn(text.slice(Math.max(0, from - 40), from), key)) {
      yield { from, to };
    } else if (third && second && [digits, second.text, third.text].map(lengthOf).join() === "3,2,4") {
      const between = text.slice(to, second.from);
      const alike = /^[ -]$/.test(between) && between === text.slice(second.to, third.from);
      if (alike && isSsn(digits + second.text + third.text)) yield { from, to: third.to };
    }
  }
}

const lengthOf = ({ length }: string) => length;

/** Numbers that were never given out are none. */
function isSsn(digits: string): boolean {
  return !/^(000|666|9)|^...00|0000$/.test(digits);
}

/** Nine digits in a row may be anything, unless somebody says what they are. */
function isCalledSsn(before: string, key: string): boolean {
  return /ssn|social/i.test(before) || /ssn|social/i.test(key);
}

/** Numbers looked up in one text; behind them whatever could be one counts as one. */
const mostLookedUp = 500;

function* phones(groups: readonly Group[], text: string, isFree: IsFree, isPhone: IsPhone) {
  let lookedUp = 0;
  for (let first = 0; first < groups.length; first++) {
    const start = groups[first] as Group;
    const lead = /(?:\+\s?\(?|\()$/.exec(text.slice(Math.max(0, start.from - 3), start.from))?.[0] ?? "";
    for (const { last, digits } of windowsFrom(groups, first, text, phoneWriting)) {
      const end = (groups[last] as Group).to;
      // A bracket that is not closed in the number belongs to the text around it.
      const own = lead === "(" && !text.slice(start.to, end).includes(")") ? "" : lead;
      const span = { from: start.from - own.length, to: end };
      const window = groups.slice(first, last + 1).map((group) => group.text);
      if (!isFree(span) || isNoNumber(window, text.slice(span.from, span.to))) continue;
      const isInternational = lead.includes("+");
      const isOne =
        (!isInternational && isNorthAmerican(window, own)) ||
        ++lookedUp > mostLookedUp ||
        isPhone(isInternational ? `+${digits}` : digits);
      if (!isOne) continue;
      yield span;
      first = last;
      break;
    }
  }
}

/** As people there write it, area code first; also with codes that nobody was given, as in films. */
function isNorthAmerican(window: readonly string[], lead: string): boolean {
  const [first = "", ...rest] = window[0] === "1" ? window.slice(1) : window;
  const lengths = [first, ...rest].map(lengthOf).join();
  const isGrouped = lengths === "3,3,4" || (lead.includes("(") && lengths === "3,7");
  return isGrouped && /^[2-9]\d\d[2-9]/.test(first + rest[0]);
}

/** Dates, addresses of machines, and amounts are written in groups too. */
function isNoNumber(window: readonly string[], written: string): boolean {
  const [first = "", second = "", third = ""] = window;
  const isMonthAndDay = (a: string, b: string) =>
    (Number(a) <= 12 && Number(b) <= 31) || (Number(a) <= 31 && Number(b) <= 12);
  const isYear = (text: string) => /^(19|20)\d\d$/.test(text);
  if (isYear(first) && window.length >= 2 && second.length <= 2 && isMonthAndDay(second, third)) return true;
  if (isYear(third) && first.length <= 2 && second.length <= 2 && isMonthAndDay(first, second)) return true;
  if (window.length === 4 && /^\d+(\.\d+){3}$/.test(written))
    return window.every((part) => Number(part) <= 255);
  return window.length > 1 && /^\d{1,3}([. ]\d{3})+$/.test(written) && first !== "0";
}
