// Whom and what a payload mentions: addresses and domains, in the form in which lists keep them. What is compared is a
// number made of them, so that a job's row can remember whom it was for without holding what was redacted.

import { unescaped } from "./escapes.ts";
import { domainLabels, endOf, plainForm, skeleton } from "./normal.ts";
import { mapTexts } from "./walk.ts";

/** `domain` is what an address or host belongs to; `mention` is any stretch of its labels. */
export type ContactKind = "email" | "domain" | "mention";

/** How a list's entry is compared; undefined when it is no address or domain. */
export function entryForm(kind: ContactKind, value: string): string | undefined {
  const text = plainForm(value.trim());
  if (kind === "email") {
    const at = text.lastIndexOf("@");
    return at < 1 ? undefined : emailForm(text.slice(0, at), text.slice(at + 1));
  }
  const host = text
    .replace(/^[a-z][a-z0-9+.-]*:\/\//i, "")
    .replace(/^(?:\*\.|[^@/]*@)/, "")
    .replace(/[/:?#].*$/s, "")
    .replace(/\.$/, "");
  const labels = domainLabels(host);
  return labels.length > 0 && !/[^\p{L}\p{N}\p{M}.-]/u.test(host) ? labels.join(".") : undefined;
}

/** Mail for a.n.n+news@ goes to ann@ at many providers: on a list of people to leave alone they are one. */
function emailForm(local: string, host: string): string | undefined {
  const name = skeleton(local.replace(/(?!^)\+.*$/s, "")).replaceAll(".", "");
  const labels = domainLabels(host);
  return name !== "" && labels.length > 0 ? `${name}@${labels.join(".")}` : undefined;
}

/** Everything a payload mentions, each once, as the numbers that lists are kept by. */
export function contactsOf(payload: unknown, salt: string): string[] {
  const found = new Set<string>();
  const add = (kind: ContactKind, form: string) => found.add(`${kind}:${form}`);
  mapTexts(payload, (text) => {
    if (text.length > 2) lookAt(text, add);
    return text;
  });
  return [...found].map((contact) => contactNumber(contact, salt));
}

/** The number of a list's entry. */
export function entryNumber(kind: ContactKind, form: string, salt: string): string {
  return contactNumber(`${kind}:${form}`, salt);
}

type Add = (kind: ContactKind, form: string) => void;

function lookAt(raw: string, add: Add): void {
  if (!mayName.test(raw)) return;
  for (const text of readingsOf(raw)) lookAtReading(text, add);
}

function lookAtReading(text: string, add: Add): void {
  if (!text.includes(".")) return;
  // One pass without backtracking: every host, and what stands before its @.
  for (const { 0: run, index } of text.matchAll(/[\p{L}\p{N}\p{M}.-]+/gu)) {
    if (!run.includes(".")) continue;
    const from = index - 1;
    for (const host of run.split(/\.{2,}/)) addHost(host.replaceAll(/^[.-]+|[.-]+$/g, ""), add);
    if (text[from] === "@") addEmails(text, from, run.replaceAll(/^[.-]+|\.{2,}.*$|[.-]+$/gs, ""), add);
  }
}

function addHost(host: string, add: Add): void {
  const labels = domainLabels(host);
  const most = Math.min(labels.length, mostLabels);
  for (let from = labels.length - most; from <= labels.length - 2; from++) {
    add("domain", labels.slice(from).join("."));
    for (let to = from + 2; to <= labels.length; to++) add("mention", labels.slice(from, to).join("."));
  }
}

/** Of a host with more labels only the last so many are looked at: real ones have a handful. */
const mostLabels = 8;
const narrow = /[\p{L}\p{N}\p{M}\p{Cs}._%+-]/u;
const wide = /[\p{L}\p{N}\p{M}\p{Cs}._%+\-!#$&'*/=?^`{|}~]/u;

/** With an apostrophe or the like it is ambiguous where an address begins: both readings count. */
function addEmails(text: string, at: number, host: string, add: Add): void {
  for (const letters of [narrow, wide]) {
    const form = emailForm(endOf(text, at, letters).replace(/^\.+/, ""), host);
    if (form) add("email", form);
  }
}

/** An address has a dot, if it is not written in a way that is to be read first. */
const mayName = /[.%&\\\u0080-\uffff]/;

/** Escapes within escapes are read so often. */
const mostReadings = 4;

/** A text as it stands, and as the browser, the mail program or the parser that it is meant for reads it. */
function readingsOf(raw: string): string[] {
  const readings = [plainForm(raw)];
  while (readings.length < mostReadings) {
    const last = readings.at(-1) as string;
    const read = plainForm(unescaped(last));
    if (read === last) break;
    readings.push(read);
  }
  return readings;
}

/**
 * 64 bits as Postgres writes a bigint. Two lanes of multiply and mix, crossed at the end: fast, because it is done for
 * every host of every job. Entries are stored by it, so it never changes.
 */
export function contactNumber(text: string, salt: string): string {
  let [high, low] = [0x9e3779b9, 0x85ebca6b];
  for (const part of [salt, text]) {
    for (let at = 0; at < part.length; at++) {
      const code = part.charCodeAt(at);
      high = Math.imul(high ^ code, 0x9e3779b1);
      low = Math.imul(low ^ code, 0x5f356495);
    }
    high ^= high >>> 15;
    low ^= low >>> 13;
  }
  high = Math.imul(high ^ (high >>> 16), 0x85ebca6b) ^ Math.imul(low ^ (low >>> 13), 0xc2b2ae35);
  low = Math.imul(low ^ (low >>> 16), 0x85ebca6b) ^ Math.imul(high ^ (high >>> 13), 0xc2b2ae35);
  return BigInt.asIntN(64, (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0)).toString();
}
