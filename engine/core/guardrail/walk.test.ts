import fc from "fast-check";
import { expect, test } from "vitest";
import { mapTexts } from "./walk.ts";

test("a payload in which nothing changes is the very same", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(mapTexts(value, (text) => text)).toBe(value);
    }),
  );
});

test("every text is visited, and what is not text stays", () => {
  const upper = (value: unknown) =>
    mapTexts(value, (text) => (/^[a-z]+$/.test(text) ? text.toUpperCase() : text));
  expect(upper({ a: ["b", 1, null, true, { c: '{"d":["e"]}' }] })).toEqual({
    A: ["B", 1, null, true, { C: '{"D":["E"]}' }],
  });
});

test("two names that become one word stay two", () => {
  const made = mapTexts({ "1": "a", "2": "b", "3": "c" }, (text) => (/\d/.test(text) ? "x" : text));
  expect(made).toEqual({ x: "a", "x-2": "b", "x-3": "c" });
});

test("a field called __proto__ stays a field", () => {
  const made = mapTexts(JSON.parse('{"__proto__":"secret"}'), () => "gone-for-good") as object;
  expect(JSON.stringify(made)).toBe('{"gone-for-good":"gone-for-good"}');
  const kept = mapTexts(JSON.parse('{"__proto__":"secret"}'), (text) => text.replace("secret", "x"));
  expect(JSON.stringify(kept)).toBe('{"__proto__":"x"}');
});

test("a string that is JSON too deep to be walked is plain text", () => {
  const deep = `${"[".repeat(200_000)}"a"${"]".repeat(200_000)}`;
  const seen: string[] = [];
  mapTexts({ deep }, (text) => {
    seen.push(text);
    return text;
  });
  expect(seen).toContain(deep);
});
