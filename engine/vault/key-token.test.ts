import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { keyPattern, mintKey, readKey, sameHash } from "./key-token.ts";

const tiers = ["team", "workspace", "queue"] as const;
const prefixes = { team: "rt_team_", workspace: "rt_ws_", queue: "rt_q_" };

test.each(tiers)("a %s key can be read back, and its beginning says what it is", (tier) => {
  const minted = mintKey(tier);
  expect(minted.token.startsWith(prefixes[tier])).toBe(true);
  expect(minted.token).toMatch(keyPattern);
  expect(readKey(minted.token)).toEqual(minted);
  expect(minted.hash).toBe(createHash("sha256").update(minted.token).digest("hex"));
});

test("what is shown of a key leaves its secret part secret", () => {
  const { token, id, prefix, last4 } = mintKey("workspace");
  expect(token.startsWith(prefix) && token.endsWith(last4)).toBe(true);
  // Prefix and id stand before the secret; the end is of the checksum.
  expect(token.indexOf(prefix) + prefix.length).toBeLessThan(token.length - 49);
  expect(token).toContain(id.slice("key_".length));
  expect(last4).toHaveLength(4);
});

test("no two keys are alike", () => {
  const minted = Array.from({ length: 1000 }, () => mintKey("workspace"));
  expect(new Set(minted.map(({ token }) => token)).size).toBe(1000);
  expect(new Set(minted.map(({ id }) => id)).size).toBe(1000);
});

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";

test("any one letter changed, and the key is no key", () => {
  fc.assert(
    fc.property(fc.constantFrom(...tiers), fc.nat(), fc.constantFrom(...alphabet), (tier, at, letter) => {
      const { token } = mintKey(tier);
      const index = at % token.length;
      fc.pre(token[index] !== letter);
      expect(readKey(token.slice(0, index) + letter + token.slice(index + 1))).toBeUndefined();
    }),
  );
});

test("any other text is no key, and is looked at in no time", () => {
  fc.assert(fc.property(fc.string(), (text) => readKey(text) === undefined));
  const start = performance.now();
  expect(readKey(`rt_ws_${"a".repeat(1_000_000)}`)).toBeUndefined();
  expect(performance.now() - start).toBeLessThan(50);
});

test("hashes are compared as a whole", () => {
  const [one, other] = [mintKey("team").hash, mintKey("team").hash];
  expect([sameHash(one, one), sameHash(one, other)]).toEqual([true, false]);
});
