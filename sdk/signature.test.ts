import { createHmac } from "node:crypto";
import fc from "fast-check";
import { Webhook } from "standardwebhooks";
import { expect, test } from "vitest";
import { RotorError, unwrapRotorWebhook, verifyRotorSignature } from "./errors.ts";

const secret = "whsec_dGVzdA==";
const seconds = () => Math.floor(Date.now() / 1000);

function sign(id: string, timestamp: number, body: string, key = secret): string {
  return `v1,${createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64")}`;
}

function delivery(body = '{"type":"webhook.test"}', timestamp = seconds()) {
  const signature = sign("whd_1", timestamp, body);
  const headers = {
    "Rotor-Webhook-Id": "whd_1",
    "Rotor-Webhook-Timestamp": String(timestamp),
    "Rotor-Webhook-Signature": signature,
  };
  return { body, timestamp, signature, headers };
}

test("a genuine delivery is accepted, from whatever holds the headers", () => {
  const { body, headers, signature, timestamp } = delivery();
  const lower = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
  const options = { id: "whd_1", timestamp };
  expect(verifyRotorSignature(body, headers, secret)).toBe(true);
  expect(verifyRotorSignature(body, lower, secret)).toBe(true);
  expect(verifyRotorSignature(body, new Headers(headers), secret)).toBe(true);
  expect(verifyRotorSignature(body, signature, secret, options)).toBe(true);
  expect(verifyRotorSignature(body, signature, secret, { ...options, timestamp: String(timestamp) })).toBe(
    true,
  );
  expect(verifyRotorSignature(Buffer.from(body), headers, secret)).toBe(true);
});

test("a job's callback is signed in the same way, under its own header names", () => {
  const timestamp = seconds();
  const headers = {
    "x-rotor-job-id": "job_1",
    "x-rotor-timestamp": String(timestamp),
    "x-rotor-signature": sign("job_1", timestamp, "{}"),
  };
  expect(verifyRotorSignature("{}", headers, secret)).toBe(true);
});

test("a signature without its id and timestamp is never valid", () => {
  const { body, signature, timestamp } = delivery();
  expect(verifyRotorSignature(body, signature, secret)).toBe(false);
  expect(verifyRotorSignature(body, signature, secret, { id: "whd_1" })).toBe(false);
  expect(verifyRotorSignature(body, signature, secret, { timestamp })).toBe(false);
});

test("while a secret rotates, either signature will do", () => {
  const { body, headers, signature, timestamp } = delivery();
  const other = sign("whd_1", timestamp, body, "whsec_other");
  for (const both of [`${other} ${signature}`, `${signature} ${other}`]) {
    expect(verifyRotorSignature(body, { ...headers, "Rotor-Webhook-Signature": both }, secret)).toBe(true);
  }
  expect(verifyRotorSignature(body, { ...headers, "Rotor-Webhook-Signature": other }, secret)).toBe(false);
});

test.each([
  [-301, false],
  [-299, true],
  [299, true],
  [302, false],
])("a delivery signed %i s from now: %s", (offset, expected) => {
  const { body, headers } = delivery("{}", seconds() + offset);
  expect(verifyRotorSignature(body, headers, secret)).toBe(expected);
});

test("the age that is accepted can be chosen, and nonsense accepts none", () => {
  const { body, headers } = delivery("{}", seconds() - 400);
  expect(verifyRotorSignature(body, headers, secret, { maxAgeSeconds: 500 })).toBe(true);
  expect(verifyRotorSignature(body, headers, secret, { maxAgeSeconds: Number.NaN })).toBe(false);
});

test("an empty or missing secret accepts nothing", () => {
  const timestamp = seconds();
  const signature = sign("whd_1", timestamp, "{}", "");
  expect(verifyRotorSignature("{}", signature, "", { id: "whd_1", timestamp })).toBe(false);
  const missing = undefined as unknown as string;
  expect(verifyRotorSignature("{}", signature, missing, { id: "whd_1", timestamp })).toBe(false);
});

test("any change of body, id, secret or signature is noticed", () => {
  const text = fc.string({ minLength: 1, unit: "binary" });
  fc.assert(
    fc.property(text, text, fc.constantFrom("body", "id", "secret", "signature"), (body, other, changed) => {
      const timestamp = seconds();
      const genuine = { body, id: "whd_1", secret, signature: sign("whd_1", timestamp, body) };
      const check = (given: typeof genuine) =>
        verifyRotorSignature(given.body, given.signature, given.secret, { id: given.id, timestamp });
      expect(check(genuine)).toBe(true);
      fc.pre(Buffer.from(other).compare(Buffer.from(genuine[changed])) !== 0);
      expect(check({ ...genuine, [changed]: other })).toBe(false);
    }),
  );
});

test("whatever arrives as headers, the answer is a boolean", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.string(), fc.string(), (signature, id, timestamp) => {
      const headers = {
        "rotor-webhook-id": id,
        "rotor-webhook-timestamp": timestamp,
        "rotor-webhook-signature": signature,
      };
      expect(verifyRotorSignature("{}", headers, secret)).toBe(false);
    }),
  );
  expect(verifyRotorSignature("{}", undefined, secret)).toBe(false);
  expect(verifyRotorSignature("{}", null, secret)).toBe(false);
  expect(verifyRotorSignature("{}", {}, secret)).toBe(false);
});

test("an independent implementation agrees, in both directions", () => {
  const other = new Webhook(secret, { format: "raw" });
  fc.assert(
    fc.property(fc.json(), fc.stringMatching(/^whd_[a-z0-9]{1,20}$/), (body, id) => {
      const at = new Date();
      const timestamp = Math.floor(at.getTime() / 1000);
      const headers = {
        "webhook-id": id,
        "webhook-timestamp": String(timestamp),
        "webhook-signature": sign(id, timestamp, body),
      };
      expect(other.verify(body, headers)).toEqual(JSON.parse(body));
      expect(verifyRotorSignature(body, other.sign(id, at, body), secret, { id, timestamp })).toBe(true);
    }),
  );
});

test("unwrapping gives the event of a genuine delivery only", () => {
  const { body, headers } = delivery('{"type":"job.failed","data":{"jobId":"job_1"}}');
  const event = unwrapRotorWebhook(body, headers, secret);
  if (event.type === "job.failed") expect(event.data.jobId).toBe("job_1");
  expect(event.type).toBe("job.failed");
  expect(unwrapRotorWebhook(Buffer.from(body), headers, secret)).toEqual(event);
  const forged = () => unwrapRotorWebhook(`${body} `, headers, secret);
  expect(forged).toThrow(RotorError);
  expect(forged).toThrow(expect.objectContaining({ code: "INVALID_SIGNATURE" }));
});
