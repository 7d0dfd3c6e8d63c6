import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createVault, readKeyRing } from "./vault.ts";

const base64 = (byte: number) => Buffer.alloc(32, byte).toString("base64");
const vault = createVault(readKeyRing(`a:${base64(1)}`));
const home = { id: "ws_home", dataKey: vault.newDataKey("ws_home") };

test("what was sealed can be opened, for a workspace and for the operator", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "grapheme" }),
      fc.string(),
      fc.constantFrom(home, null),
      (text, purpose, owner) => {
        expect(vault.open(owner, purpose, vault.seal(owner, purpose, text))).toBe(text);
      },
    ),
  );
});

test("V-1: a sealed text with any one letter changed cannot be opened", () => {
  const sealed = vault.seal(home, "queue|q", "hush");
  const start = sealed.indexOf(".", 3) + 1;
  for (let index = start; index < sealed.length; index++) {
    if (sealed[index] === ".") continue;
    // Swaps a high bit of the six, so that padding bits cannot swallow the change.
    const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const changed = letters[(letters.indexOf(sealed[index] as string) + 32) % 64];
    const text = sealed.slice(0, index) + changed + sealed.slice(index + 1);
    expect(() => vault.open(home, "queue|q", text)).toThrow();
  }
});

test("V-1: a sealed text cannot be moved to another purpose, workspace or owner", () => {
  const sealed = vault.seal(home, "queue|q", "hush");
  const stranger = { id: "ws_other", dataKey: vault.newDataKey("ws_other") };
  expect(() => vault.open(home, "queue|other", sealed)).toThrow();
  expect(() => vault.open(stranger, "queue|q", sealed)).toThrow();
  expect(() => vault.open({ ...home, id: "ws_other" }, "queue|q", sealed)).toThrow();
  expect(() => vault.open({ ...stranger, dataKey: home.dataKey }, "queue|q", sealed)).toThrow();
  expect(() => vault.open(null, "queue|q", sealed)).toThrow();
});

test("V-2: no two sealings of one text share their first bytes", () => {
  const ivs = Array.from({ length: 20_000 }, () => vault.seal(home, "p", "x").split(".")[2]);
  expect(new Set(ivs).size).toBe(ivs.length);
});

test("V-2: a new master key seals from now on, and the old one opens until it is taken out", () => {
  const sealed = vault.seal(home, "p", "x");
  const both = createVault(readKeyRing(`b:${base64(2)},a:${base64(1)}`));
  expect(both.open(home, "p", sealed)).toBe("x");
  expect(both.newDataKey("ws_new")).toMatch(/^v1\.b\./);
  const only = createVault(readKeyRing(`b:${base64(2)}`));
  expect(() => only.open(home, "p", sealed)).toThrow("no key named a");
});

test("a workspace whose data key is destroyed can neither seal nor open", () => {
  const sealed = vault.seal(home, "p", "x");
  expect(() => vault.open({ ...home, dataKey: null }, "p", sealed)).toThrow("shredded");
  expect(() => vault.seal({ ...home, dataKey: null }, "p", "x")).toThrow("shredded");
});

test.each([
  ["", /kid:base64/],
  ["nokey", /kid:base64/],
  ["a:", /kid:base64/],
  ["a b:AAAA", /kid:base64/],
  ["a:AAAA", /must be 32 bytes in base64, and is 3/],
  [`a:${base64(1)},b:AAAA`, /the key b must be 32 bytes/],
])("the key ring %j is refused, in words", (text, words) => {
  expect(() => readKeyRing(text)).toThrow(words);
});

test("a key ring of random keys is read in its order", () => {
  const ring = readKeyRing(` new:${randomBytes(32).toString("base64")} , old:${base64(1)} `);
  expect([ring.current, [...ring.keys.keys()]]).toEqual(["new", ["new", "old"]]);
});
