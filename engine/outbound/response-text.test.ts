import fc from "fast-check";
import { expect, test } from "vitest";
import { createResponseText } from "./response-text.ts";

function collect(bytes: Uint8Array, mostBytes: number, pieces: number) {
  const text = createResponseText(mostBytes);
  const size = Math.max(1, Math.ceil(bytes.length / pieces));
  for (let at = 0; at < bytes.length; at += size) text.add(Buffer.from(bytes.subarray(at, at + size)));
  return { ...text.read(), received: text.received };
}

const anyBytes = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc.string({ unit: "binary", maxLength: 200 }).map((text) => new Uint8Array(Buffer.from(text))),
);

test("any bytes in any pieces become valid UTF-8 without NUL, within the limit", () => {
  fc.assert(
    fc.property(anyBytes, fc.nat(400), fc.integer({ min: 1, max: 200 }), (bytes, mostBytes, pieces) => {
      const { body, received } = collect(bytes, mostBytes, pieces);
      expect(received).toBe(bytes.length);
      expect(Buffer.byteLength(body)).toBeLessThanOrEqual(mostBytes);
      expect(body).not.toContain("\0");
      expect(Buffer.from(body).toString()).toBe(body);
    }),
  );
});

test("text within the limit is kept as it is, whatever the pieces", () => {
  const text = fc.string({ unit: "binary", maxLength: 100 }).filter((each) => !each.includes("\0"));
  fc.assert(
    fc.property(text, fc.integer({ min: 1, max: 400 }), (body, pieces) => {
      expect(collect(Buffer.from(body), 400, pieces)).toMatchObject({ body, truncated: false });
    }),
  );
});

test("text beyond the limit is cut between characters, and said to be cut", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "binary", minLength: 30 }),
      fc.integer({ min: 0, max: 29 }),
      (text, most) => {
        const plain = text.replaceAll("\0", "n");
        const { body, truncated } = collect(Buffer.from(plain), most, 7);
        expect(truncated).toBe(true);
        expect(plain.startsWith(body)).toBe(true);
        expect(Buffer.byteLength(body)).toBeGreaterThan(most - 4);
      },
    ),
  );
});
