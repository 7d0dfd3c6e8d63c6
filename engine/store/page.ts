// Keyset pages. A cursor is the sort key of the last row, wrapped so that nobody builds one by hand.

import { invalidInput } from "@rotorsh/contract";

export type Page = { limit: number; cursor?: string | undefined };

export function encodeCursor(key: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(key)).toString("base64url");
}

const kinds = {
  // Postgres text holds no NUL, and none of our keys any other control character.
  text: (part: unknown) => typeof part === "string" && !/[\p{Cc}\p{Cs}]/u.test(part),
  time: (part: unknown) =>
    typeof part === "string" && /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(part) && isTime(part),
  number: (part: unknown) => Number.isSafeInteger(part),
};
type Kind = keyof typeof kinds;
type Key<Kinds extends readonly Kind[]> = { [I in keyof Kinds]: Kinds[I] extends "number" ? number : string };

/** The sort key in a cursor with parts of these kinds, or INVALID_INPUT. */
export function decodeCursor<const Kinds extends readonly Kind[]>(
  cursor: string | undefined,
  expected: Kinds,
): Key<Kinds> | undefined {
  if (cursor === undefined) return undefined;
  const key = parse(cursor);
  const fits =
    Array.isArray(key) &&
    key.length === expected.length &&
    expected.every((kind, index) => kinds[kind](key[index]));
  if (!fits) throw invalidInput([{ path: "cursor", problem: "is not a cursor of this list" }]);
  return key as Key<Kinds>;
}

function parse(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, "base64url").toString());
  } catch {
    return undefined;
  }
}

function isTime(text: string): boolean {
  const time = new Date(text);
  return !Number.isNaN(time.getTime()) && time.getUTCFullYear() > 0 && time.toISOString() === text;
}

/** Cuts the one extra row that was read to learn whether there is a next page. */
export function toPage<Row, Item>(
  rows: Row[],
  limit: number,
  keyOf: (row: Row) => readonly (string | number)[],
  toItem: (row: Row) => Item,
): { data: Item[]; nextCursor: string | null } {
  const kept = rows.slice(0, limit);
  const last = kept.at(-1);
  return {
    data: kept.map(toItem),
    nextCursor: rows.length > limit && last ? encodeCursor(keyOf(last)) : null,
  };
}
