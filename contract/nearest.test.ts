import fc from "fast-check";
import { expect, test } from "vitest";
import { nearest } from "./nearest.ts";

const word = fc.stringMatching(/^[a-z_]{3,20}$/);

test.each([
  ["conccurency", "concurrency"],
  ["callbackurl", "callback_url"],
  ["Name", "name"],
  ["nmae", "name"],
])("%s is taken for %s", (written, meant) => {
  expect(nearest(written, ["name", "concurrency", "callback_url", "four_eyes"])).toBe(meant);
});

test("a known word is nearest to itself, whatever its case", () => {
  fc.assert(
    fc.property(word, fc.array(word), (one, others) => {
      expect(nearest(one.toUpperCase(), [one, ...others])).toBe(one);
    }),
  );
});

test("what is suggested is always a known word", () => {
  fc.assert(
    fc.property(fc.string(), fc.array(word), (written, known) => {
      const found = nearest(written, known);
      if (found !== undefined) expect(known).toContain(found);
    }),
  );
});

test("a word that is nothing like the known ones is not suggested", () => {
  expect(nearest("zzzzzzzz", ["name", "concurrency"])).toBeUndefined();
  expect(nearest("name", [])).toBeUndefined();
});

test("R-3: a field name of a megabyte costs nothing", () => {
  const start = performance.now();
  expect(nearest("a".repeat(1_000_000), ["name"])).toBeUndefined();
  expect(performance.now() - start).toBeLessThan(50);
});
