// Checks that a delivery was signed with a secret only Rotor and this app know.
// A signature is `v1,` and the base64 of HMAC-SHA256 over `{id}.{timestamp}.{body}`; the key is the UTF-8
// text of the whole secret. While a secret rotates there are several, separated by spaces.

import { createHmac, timingSafeEqual } from "node:crypto";
import { RotorError } from "@rotorsh/contract";
import { type HeadersLike, headerOf } from "./headers.ts";
import type { RotorWebhookEvent } from "./webhook-event.ts";

export type SignatureOptions = {
  id?: string | null | undefined;
  /** Unix seconds. */
  timestamp?: string | number | null | undefined;
  /** Age, or lead of the sender's clock, that is still accepted; default 300. */
  maxAgeSeconds?: number | undefined;
};

type Body = string | Uint8Array;

/**
 * True when one of the signatures fits. The second argument is the request's headers, or the signature header
 * together with `id` and `timestamp` in the options. Pass the body as it was received, not parsed and printed again.
 */
export function verifyRotorSignature(
  body: Body,
  signature: string | HeadersLike | null | undefined,
  secret: string,
  options: SignatureOptions = {},
): boolean {
  // An empty secret would accept what anyone signs with the empty key.
  if (typeof secret !== "string" || secret === "") return false;
  const signed = typeof signature === "object" && signature ? signedIn(signature) : { signature };
  const id = options.id ?? signed.id;
  const timestamp = String(options.timestamp ?? signed.timestamp ?? "");
  if (!id || !signed.signature || !isRecent(timestamp, options.maxAgeSeconds)) return false;
  const expected = Buffer.from(sign(secret, id, timestamp, body));
  let fits = false;
  for (const given of signed.signature.split(" ")) {
    // No early end: the time taken must not tell which one fitted.
    fits = isSame(Buffer.from(given), expected) || fits;
  }
  return fits;
}

/** The event of a webhook delivery; throws INVALID_SIGNATURE when it is not from Rotor or too old. */
export function unwrapRotorWebhook(
  body: Body,
  headers: HeadersLike,
  secret: string,
  options: Pick<SignatureOptions, "maxAgeSeconds"> = {},
): RotorWebhookEvent {
  if (!verifyRotorSignature(body, headers, secret, options)) throw new RotorError("INVALID_SIGNATURE");
  const text = typeof body === "string" ? body : new TextDecoder().decode(body);
  try {
    return JSON.parse(text) as RotorWebhookEvent;
  } catch (cause) {
    throw new RotorError("INVALID_JSON", {}, { cause });
  }
}

type Signed = {
  id?: string | undefined;
  timestamp?: string | undefined;
  signature?: string | null | undefined;
};

/** Names of the three headers on webhooks and on job callbacks. */
const families = [
  { id: "rotor-webhook-id", timestamp: "rotor-webhook-timestamp", signature: "rotor-webhook-signature" },
  { id: "x-rotor-job-id", timestamp: "x-rotor-timestamp", signature: "x-rotor-signature" },
] as const;

function signedIn(headers: HeadersLike): Signed {
  const family = families.find(({ signature }) => headerOf(headers, signature) !== undefined);
  if (!family) return {};
  return {
    id: headerOf(headers, family.id),
    timestamp: headerOf(headers, family.timestamp),
    signature: headerOf(headers, family.signature),
  };
}

function isRecent(timestamp: string, maxAgeSeconds = 300): boolean {
  if (!/^\d{1,12}$/.test(timestamp)) return false;
  return Math.abs(Date.now() / 1000 - Number(timestamp)) <= maxAgeSeconds;
}

function sign(secret: string, id: string, timestamp: string, body: Body): string {
  const hmac = createHmac("sha256", Buffer.from(secret, "utf8"));
  return `v1,${hmac.update(`${id}.${timestamp}.`).update(body).digest("base64")}`;
}

function isSame(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
