import { type MatchedEvent, matches, parseMatch } from "@rotorsh/contract";
import { expect, test } from "vitest";
import { needleOf } from "./look-back.ts";

const values = [
  ...[
    "",
    "a",
    'quo"ted',
    "back\\slash",
    "line\nbreak",
    "\u2028",
    "é",
    "😀",
    "\ud800",
    "\u0000",
    "</script>",
    "0",
  ],
  ...[0, -0, 1, -1, 1.5, 1e21, 1e-7, 123456789012345680000, Number.MAX_SAFE_INTEGER, true, false],
];
const literal = (value: unknown) => (Object.is(value, -0) ? "-0" : JSON.stringify(value));
const event = (data: unknown): MatchedEvent => ({ name: "e", data: JSON.parse(JSON.stringify(data)), ts: 0 });

test("what a match fits is never left out by the text that is looked for", () => {
  const shapes: [path: string, (value: unknown) => unknown][] = [
    ["data", (value) => value],
    ["data.a", (a) => ({ before: 1, a, after: 2 })],
    ["event.data.a.b", (b) => ({ a: { b } })],
    ['data["odd \\"key\\u0041"]', (value) => ({ 'odd "keyA': value })],
    ["data.list[1]", (value) => ({ list: [0, value] })],
    ["data.list.1", (value) => ({ list: { 1: value } })],
  ];
  for (const [path, data] of shapes) {
    for (const value of values) {
      for (const match of [
        `${path} == ${literal(value)}`,
        `${literal(value)} == ${path} && event.name == "e"`,
      ]) {
        const fitting = event(data(value));
        expect([match, matches(parseMatch(match), fitting)]).toEqual([match, true]);
        expect(JSON.stringify(fitting.data)).toContain(needleOf(match));
      }
    }
  }
});

test.each([
  [undefined, null],
  ["data.n > 1", null],
  ["data.missing == null", null],
  ['event.name == "e"', null],
  ["data.list.length == 3", null],
  ['data.a == "x" || data.b == "y"', null],
  ['data.a == "x" && data.b == "y"', '"a":"x"'],
])("of %s it is %s", (match, needle) => expect(needleOf(match)).toBe(needle));
