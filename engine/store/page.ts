// Keyset pages. A cursor is the sort key of the last row, wrapped so that nobody builds one by hand.

import { invalidInput } from "@rotorsh/contract";

export type Page = { limit: number; cursor?: string | undefined };

export function encodeCursor(key: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(key)).toString("base64url");
}

/** The sort key in a cursor of so many parts, or INVALID_INPUT. */
export function decodeCursor(cursor: string | undefined, parts: number): (string | number)[] | undefined {
  if (cursor === undefined) return undefined;
  try {
    const key: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString());
    const fits = Array.isArray(key) && key.length === parts;
    if (fits && key.every((part) => typeof part === "string" || typeof part === "number")) return key;
  } catch {
    // Not JSON: answered like any other cursor that is not ours.
  }
  throw invalidInput([{ path: "cursor", problem: "is not a cursor of this list" }]);
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
