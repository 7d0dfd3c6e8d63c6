import { expect, test } from "vitest";
import { parseArguments } from "./arguments.ts";
import type { Flag } from "./flags.ts";
import { typeOf } from "./value-type.ts";

const value = (name: string): Flag => ({ name, isSwitch: false, describe: "", field: name });
const flags: Flag[] = [
  value("retry-attempts"),
  value("payload"),
  { name: "four-eyes", isSwitch: true, describe: "", field: "four_eyes", type: typeOf({ type: "boolean" }) },
  { name: "json", isSwitch: true, describe: "" },
  { name: "help", isSwitch: true, describe: "" },
];

function parse(...argv: string[]) {
  const { positionals, texts, switches } = parseArguments(argv, flags, "rotor test");
  return { positionals, ...Object.fromEntries(texts), ...Object.fromEntries(switches) };
}

test.each([
  [["a", "--retry-attempts", "3", "b"], { positionals: ["a", "b"], "retry-attempts": ["3"] }],
  [["--retryAttempts", "3"], { positionals: [], "retry-attempts": ["3"] }],
  [["--retry_attempts=3"], { positionals: [], "retry-attempts": ["3"] }],
  [["--retry-attempts", "1", "--retry-attempts", "2"], { positionals: [], "retry-attempts": ["1", "2"] }],
  [["--payload", "-5"], { positionals: [], payload: ["-5"] }],
  [["--payload", "-"], { positionals: [], payload: ["-"] }],
  [["--payload=--json"], { positionals: [], payload: ["--json"] }],
  [["--payload=a\nb"], { positionals: [], payload: ["a\nb"] }],
  [["--payload", "a=b"], { positionals: [], payload: ["a=b"] }],
  [["--payload="], { positionals: [], payload: [""] }],
  [["--four-eyes"], { positionals: [], "four-eyes": true }],
  [["--no-four-eyes"], { positionals: [], "four-eyes": false }],
  [["--four-eyes=false"], { positionals: [], "four-eyes": false }],
  [["--four-eyes", "false", "x"], { positionals: ["x"], "four-eyes": false }],
  [["--json", "true"], { positionals: ["true"], json: true }],
  [["-h"], { positionals: [], help: true }],
  [["--", "--json", "-h"], { positionals: ["--json", "-h"] }],
  [["--payload", "x", "--", "--payload"], { positionals: ["--payload"], payload: ["x"] }],
])("%j", (argv, expected) => {
  expect(parse(...argv)).toEqual(expected);
});

test.each([
  [["--retry-atempts", "3"], "There is no flag --retry-atempts here.", "Did you mean --retry-attempts?"],
  [["--nonsense"], "There is no flag --nonsense here.", "`rotor test --help` lists the flags."],
  [["-x"], "There is no flag -x here.", expect.any(String)],
  [["--no-payload"], "There is no flag --no-payload here.", expect.any(String)],
  [["--payload"], "--payload needs a value.", undefined],
  [["--payload", "--json"], "--payload needs a value.", expect.stringContaining("--payload=--json")],
  [["--json=maybe"], "--json is either there or not; it takes no value.", undefined],
])("%j is refused", (argv, message, hint) => {
  expect(() => parse(...argv)).toThrow(expect.objectContaining({ name: "UsageError", message, hint }));
});
