import { expect, test } from "vitest";
import { type Consent, confirmationMs, createConfirmations } from "./confirmation.ts";
import { readKeyRing } from "./vault.ts";

const key = (byte: number) => Buffer.alloc(32, byte).toString("base64");
const confirmations = createConfirmations(readKeyRing(`a:${key(1)}`));
const now = new Date("2026-01-31T09:00:00Z");
const consent: Consent = {
  principal: "key_1|ws_1",
  operation: "queues.drain",
  args: [["name", "a"]],
  count: 7,
};
const token = confirmations.issue(consent, now);

test("a token is good for the call it was made for", () => {
  expect(confirmations.accepts(token, consent, now)).toBe(true);
});

test.each([
  ["another principal", { principal: "key_2|ws_1" }],
  ["another operation", { operation: "queues.delete" }],
  ["other arguments", { args: [["name", "b"]] }],
  ["more things than were seen", { count: 8 }],
])("it is refused for %s", (_, changed) => {
  expect(confirmations.accepts(token, { ...consent, ...changed }, now)).toBe(false);
});

test("fewer things than were seen are agreed to as well", () => {
  expect(confirmations.accepts(token, { ...consent, count: 3 }, now)).toBe(true);
});

test("it is refused after five minutes", () => {
  expect(confirmations.accepts(token, consent, new Date(now.getTime() + confirmationMs - 1))).toBe(true);
  expect(confirmations.accepts(token, consent, new Date(now.getTime() + confirmationMs))).toBe(false);
});

test.each([
  "",
  ".",
  "...",
  "a.7.9e15.x",
  token.slice(0, -1),
  token.replace(".7.", ".9."),
  `b${token.slice(1)}`,
])("what this server did not sign is refused: %s", (forged) => {
  expect(confirmations.accepts(forged, consent, now)).toBe(false);
});

test("a rotated ring accepts what the old key signed; another ring does not", () => {
  const rotated = createConfirmations(readKeyRing(`b:${key(2)},a:${key(1)}`));
  expect(rotated.accepts(token, consent, now)).toBe(true);
  expect(createConfirmations(readKeyRing(`a:${key(3)}`)).accepts(token, consent, now)).toBe(false);
});
