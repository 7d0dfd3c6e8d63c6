import { describe, expect, test } from "vitest";
import { type Consent, createConsents } from "./consents.ts";

const key = Buffer.alloc(32, 1);
const consent: Consent = { operation: "queues.delete", args: { name: "a", with_jobs: true }, count: 3 };
const mine = createConsents(key, "key_1|ws_1", () => 0);
const token = mine.issue(consent);

test("a token is good for its call, in whatever order the arguments come, and for fewer things", () => {
  const reordered = { ...consent, args: { with_jobs: true, name: "a" } };
  for (const same of [consent, reordered, { ...consent, count: 2 }])
    expect(mine.accepts(token, same)).toBe(true);
});

describe("a token is refused", () => {
  test.each<[string, Consent]>([
    ["for another operation", { ...consent, operation: "queues.drain" }],
    ["for other arguments", { ...consent, args: { name: "b", with_jobs: true } }],
    ["for more things", { ...consent, count: 4 }],
  ])("%s", (_, other) => {
    expect(mine.accepts(token, other)).toBe(false);
  });

  test("of somebody else, or of another server", () => {
    expect(createConsents(key, "key_2|ws_1", () => 0).accepts(token, consent)).toBe(false);
    expect(createConsents(Buffer.alloc(32, 2), "key_1|ws_1", () => 0).accepts(token, consent)).toBe(false);
  });

  test("after five minutes", () => {
    const later = (ms: number) => createConsents(key, "key_1|ws_1", () => ms);
    expect(later(299_999).accepts(token, consent)).toBe(true);
    expect(later(300_000).accepts(token, consent)).toBe(false);
  });

  test.each(["", "3", "3.300000", "3.300000.", `9${token}`, token.replace(/^3/, "30")])(
    "of the form %s",
    (text) => {
      expect(mine.accepts(text, consent)).toBe(false);
    },
  );
});
