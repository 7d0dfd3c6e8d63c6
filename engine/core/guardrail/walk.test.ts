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

test("JSON in a string keeps what is not replaced: spaces, long numbers, escapes, names that come twice", () => {
  const hide = (text: string) => text.replace(/ann@example.com|4242/g, "x");
  const raw = String.raw`{ "id": 12345678901234567890, "a": "\u0061nn@example.com", "n": [4242, 1e5],
    "to": "ann@example.com", "to": "nobody", "s": "\/ \"", "in": "{\"to\": \"ann@example.com\",\"z\":1.50}" }`;
  expect(mapTexts({ raw }, hide)).toEqual({
    raw: String.raw`{ "id": 12345678901234567890, "a": "x", "n": ["x", 1e5],
    "to": "x", "to": "nobody", "s": "\/ \"", "in": "{\"to\": \"x\",\"z\":1.50}" }`,
  });
});

test("in JSON in a string a text knows the field that it is in", () => {
  const seen: string[] = [];
  const raw = JSON.stringify({ a: ["x", { b: "y" }, "z"], c: 1, d: [[2]] });
  mapTexts(raw, (text, key) => {
    seen.push(`${key}=${text}`);
    return text;
  });
  expect(seen).toEqual(["=a", "a=x", "=b", "b=y", "a=z", "=c", "c=1", "=d", "d=2"]);
});

test("a string that is JSON is walked as what it says would be", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 3 }), (value) => {
      fc.pre(typeof value === "object" && value !== null);
      const walked = (inner: unknown) => {
        const seen: string[] = [];
        mapTexts(inner, (text, key) => {
          seen.push(`${key}=${text}`);
          return text;
        });
        return seen;
      };
      expect(walked(JSON.stringify(value))).toEqual(walked(JSON.parse(JSON.stringify(value))));
    }),
  );
});
