import fc from "fast-check";
import { Webhook } from "standardwebhooks";
import { describe, expect, test } from "vitest";
import { verifyRotorSignature } from "../../sdk/signature.ts";
import { sign } from "./sign.ts";

const secret = `whsec_${"k".repeat(43)}`;
const now = () => Math.floor(Date.now() / 1000);

describe("a signature", () => {
  test("is v1 and the base64 HMAC-SHA256 of id, timestamp and body", () => {
    // echo -n 'job_1.1700000000.{"a":1}' | openssl dgst -sha256 -hmac whsec_test -binary | base64
    expect(sign(["whsec_test"], "job_1", 1_700_000_000, '{"a":1}')).toBe(
      "v1,zBwdi24PJ/obS89guYcq3broSzI4o9Fffgq1qXMxjcY=",
    );
  });

  test("verifies with the SDK for any body, as text and as bytes", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.uint8Array(), (text, bytes) => {
        const timestamp = now();
        for (const body of [text, Buffer.from(bytes)]) {
          const signature = sign([secret], "job_1", timestamp, body);
          expect(verifyRotorSignature(body, signature, secret, { id: "job_1", timestamp })).toBe(true);
        }
      }),
    );
  });

  test("carries one for each secret while they rotate, and either verifies", () => {
    const timestamp = now();
    const signature = sign(["new", "old"], "job_1", timestamp, "{}");
    expect(signature.split(" ")).toHaveLength(2);
    for (const each of ["new", "old"]) {
      expect(verifyRotorSignature("{}", signature, each, { id: "job_1", timestamp })).toBe(true);
    }
    expect(verifyRotorSignature("{}", signature, "other", { id: "job_1", timestamp })).toBe(false);
  });

  test("does not fit another body, id or time, nor an old one", () => {
    const timestamp = now();
    const signature = sign([secret], "job_1", timestamp, '{"a":1}');
    const fits = (body: string, id: string, at: number) =>
      verifyRotorSignature(body, signature, secret, { id, timestamp: at });
    expect(fits('{"a":1}', "job_1", timestamp)).toBe(true);
    expect(fits('{"a": 1}', "job_1", timestamp)).toBe(false);
    expect(fits('{"a":1}', "job_2", timestamp)).toBe(false);
    expect(fits('{"a":1}', "job_1", timestamp + 1)).toBe(false);
    const old = timestamp - 301;
    expect(
      verifyRotorSignature("{}", sign([secret], "job_1", old, "{}"), secret, { id: "job_1", timestamp: old }),
    ).toBe(false);
  });

  test("verifies with standardwebhooks in its raw format", () => {
    const timestamp = now();
    const headers = {
      "webhook-id": "whd_1",
      "webhook-timestamp": String(timestamp),
      "webhook-signature": sign(["old", secret], "whd_1", timestamp, '{"a":1}'),
    };
    const webhook = new Webhook(secret, { format: "raw" });
    expect(webhook.verify('{"a":1}', headers)).toEqual({ a: 1 });
    expect(() => webhook.verify('{"a":2}', headers)).toThrow();
    expect(() => webhook.verify('{"a":1}', { ...headers, "webhook-id": "whd_2" })).toThrow();
  });
});
