import fc from "fast-check";
import { expect, test } from "vitest";
import { cut, kebab, pad, plain, toJson, width } from "./text.ts";

const tricky = [
  "\x00",
  "\x1b",
  "\x7f",
  "\u009b",
  "\u202e",
  "\u2066",
  "\u2028",
  "\r\n",
  '"',
  "\\\\",
  "日",
  "🚀",
  "e\u0301",
];
const anyText = fc.string({ unit: fc.constantFrom("a", "b", " ", ...tricky) });

test("nothing in a text can move the cursor or turn it around", () => {
  expect(plain("a\x1b[31mb\u009b2Jc\u202ed\r\ne")).toBe("a[31mb2Jcd e");
  fc.assert(fc.property(anyText, (text) => !/[\p{Cc}\u202e]/u.test(plain(text))));
});

test("JSON for a terminal means the same and holds no control characters", () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const json = toJson({ text });
      expect(JSON.parse(json)).toEqual({ text });
      expect(json).not.toMatch(/[\p{Cc}]/u);
    }),
  );
});

test.each([
  ["queue", 5],
  ["日本", 4],
  ["🚀", 2],
  ["e\u0301", 1],
])("%s needs %i columns", (text, columns) => {
  expect(width(text)).toBe(columns);
});

test("a text that is cut fits, and one that fits is not cut", () => {
  fc.assert(
    fc.property(anyText, fc.integer({ min: 1, max: 20 }), (text, columns) => {
      expect(width(cut(text, columns))).toBeLessThanOrEqual(columns);
      if (width(text) <= columns) expect(cut(text, columns)).toBe(text);
    }),
  );
});

test("padding never shortens", () => {
  expect([pad("日本", 6), pad("long", 2)]).toEqual(["日本  ", "long"]);
});

test.each([
  ["retry_attempts", "retry-attempts"],
  ["retryAttempts", "retry-attempts"],
  ["defaultJobOptions", "default-job-options"],
  ["name", "name"],
])("%s is the flag %s", (field, flag) => {
  expect(kebab(field)).toBe(flag);
});
