import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { equalityOf, indexValue, longestMatch, MatchError, matches, parseMatch, valueAt } from "./match.ts";

const event = (data: unknown) => ({ name: "replied", data, ts: 1 });
const fits = (text: string, data: unknown) => matches(parseMatch(text), event(data));

test.each([
  ['data.id == "a"', { id: "a" }, true],
  ['data.id == "a"', { id: "b" }, false],
  ["data.id == 'it\\'s \"it\"'", { id: 'it\'s "it"' }, true],
  ['data.id != "a"', {}, true],
  ["data.none == null", {}, true],
  ["data.score >= 50", { score: 50 }, true],
  ["data.score >= 50", { score: "60" }, false],
  ["data.score < -1.5e1", { score: -16 }, true],
  ['data.name < "b"', { name: "a" }, true],
  ['data.a == 1 && data.b == 2 || data.c == "x"', { a: 1, c: "x" }, true],
  ['data.a == 1 && (data.b == 2 || data.c == "x")', { b: 2, c: "x" }, false],
  ["!(data.a == 1)", { a: 2 }, true],
  ["!data.done", { done: false }, true],
  ["data.done", { done: true }, true],
  ["data.done", { done: "yes" }, false],
  ['data.list[1].n == 2 && data["a b"].c == true', { list: [0, { n: 2 }], "a b": { c: true } }, true],
  ['event.data.id == "a" && event.name == "replied"', { id: "a" }, true],
  ["data.id == data.other", { id: 1, other: 1 }, true],
])("%s of %j is %s", (text, data, expected) => {
  expect(fits(text, data)).toBe(expected);
});

test.each([
  ["", /A value is missing at character 1/],
  ["data.id ==", /A value is missing at character 11/],
  ["data.id = 1", /This is not understood at character 9/],
  ["(data.a == 1", /A closing parenthesis is missing at character 13/],
  ["data.a == 1 data.b", /An operator is missing at character 13/],
  ["process.env == 1", /A path must begin with data or event at character 1/],
  ["data.a == 'x", /This is not understood at character 11/],
  ["data.f(1)", /An operator is missing at character 7/],
  ["!".repeat(100), /nested too deeply/],
  ["(".repeat(100), /nested too deeply/],
  [Array(100).fill("data.a").join(" && "), /too many parts/],
  ["x".repeat(longestMatch + 1), /longer than 2000 characters/],
])("%s is refused, and it is said where", (text, problem) => {
  expect(() => parseMatch(text)).toThrow(problem);
});

describe("whatever is written", () => {
  test("parsing ends in a tree or a MatchError, at once", () => {
    const pieces = [
      "data",
      ".a",
      "[0]",
      '"x"',
      "'",
      "==",
      "!=",
      "<",
      "&&",
      "||",
      "!",
      "(",
      ")",
      "1",
      "-",
      "null",
      " ",
      "\\",
    ];
    const text = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.array(fc.constantFrom(...pieces)).map((all) => all.join("")),
    );
    fc.assert(
      fc.property(text, fc.jsonValue(), (expression, data) => {
        try {
          expect(typeof fits(expression, data)).toBe("boolean");
        } catch (error) {
          expect(error).toBeInstanceOf(MatchError);
        }
      }),
    );
  });

  test("a path leads to own fields only", () => {
    for (const path of ["data.constructor", "data.__proto__", "data.toString.name", "data.length"]) {
      expect(fits(`${path} == null`, {})).toBe(true);
    }
  });

  test("an event that fits has the value that the index looks for", () => {
    const scalar = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null));
    fc.assert(
      fc.property(scalar, scalar, (wanted, given) => {
        const match = parseMatch(
          `data.n == 1 && data.id == ${JSON.stringify(wanted)}`.replace("data.n == 1 && ", ""),
        );
        const equality = equalityOf(match);
        const found = indexValue(valueAt(event({ id: given }), equality?.path ?? []));
        if (matches(match, event({ id: given }))) expect(found).toBe(indexValue(equality?.value));
      }),
    );
  });
});

test("an equality is found where every match needs it, and nowhere else", () => {
  expect(equalityOf(parseMatch('data.a > 1 && "x" == data.b'))).toEqual({ path: ["data", "b"], value: "x" });
  expect(equalityOf(parseMatch("data.a == 1 || data.b == 2"))).toBeUndefined();
  expect(equalityOf(parseMatch("!(data.a == 1)"))).toBeUndefined();
  expect(equalityOf(parseMatch("data.a == data.b"))).toBeUndefined();
});
