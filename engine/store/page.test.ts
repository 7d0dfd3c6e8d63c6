import { isRotorError } from "@rotorsh/contract";
import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeCursor, encodeCursor, toPage } from "./page.ts";

function codeOf(act: () => unknown): string {
  try {
    act();
    return "ok";
  } catch (error) {
    return isRotorError(error) ? error.code : "not ours";
  }
}

const printable = fc.string({ unit: "grapheme" }).filter((text) => !/[\p{Cc}\p{Cs}]/u.test(text));

test("what was put into a cursor comes out of it", () => {
  fc.assert(
    fc.property(
      fc.date({ min: new Date(0), max: new Date("9999-01-01"), noInvalidDate: true }),
      printable,
      fc.maxSafeInteger(),
      (time, text, number) => {
        const key = [time.toISOString(), text, number] as const;
        expect(decodeCursor(encodeCursor(key), ["time", "text", "number"])).toEqual(key);
      },
    ),
  );
});

test("any text at all is either a cursor or INVALID_INPUT, never a failure", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(["ok", "INVALID_INPUT"]).toContain(codeOf(() => decodeCursor(text, ["time", "text"])));
    }),
  );
});

test.each([
  ["a part too few", ["a"], ["text", "text"]],
  ["a part too many", ["a", "b"], ["text"]],
  ["a number where a text belongs", [1], ["text"]],
  ["a text where a number belongs", ["1"], ["number"]],
  ["a number no column holds", [1e300], ["number"]],
  ["a NUL, which Postgres cannot hold", ["\u0000"], ["text"]],
  ["a word where a time belongs", ["now"], ["time"]],
  ["a day that does not exist", ["2026-02-31T00:00:00.000Z"], ["time"]],
  ["a time in the year 0", ["0000-01-01T00:00:00.000Z"], ["time"]],
] as const)("a cursor with %s is refused: INVALID_INPUT", (_, key, kinds) => {
  expect(codeOf(() => decodeCursor(encodeCursor(key), kinds))).toBe("INVALID_INPUT");
});

test("pages put together are the list, in order and without a row twice", () => {
  fc.assert(
    fc.property(fc.nat(30), fc.integer({ min: 1, max: 7 }), (count, limit) => {
      const rows = Array.from({ length: count }, (_, index) => ({ seq: index }));
      const seen: { seq: number }[] = [];
      let cursor: string | null | undefined;
      do {
        const after = decodeCursor(cursor ?? undefined, ["number"])?.[0] ?? -1;
        const read = rows.filter(({ seq }) => seq > after).slice(0, limit + 1);
        const page = toPage(
          read,
          limit,
          ({ seq }) => [seq],
          (row) => row,
        );
        expect(page.data.length).toBeLessThanOrEqual(limit);
        seen.push(...page.data);
        cursor = page.nextCursor;
      } while (cursor);
      expect(seen).toEqual(rows);
    }),
  );
});
