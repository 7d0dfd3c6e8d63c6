// Tokens by which a caller shows that they saw what a call would do. Nothing is stored: a token carries what was
// seen, and a signature that only this server's key ring makes.

import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto";
import type { KeyRing } from "./vault.ts";

/** What was agreed to: who may do what, and how much of it. */
export type Consent = { principal: string; operation: string; args: unknown; count: number };

export type Confirmations = {
  issue(consent: Consent, now: Date): string;
  /** True for a token of the same call that is not too old; fewer things than it showed are fine, more are not. */
  accepts(token: string, consent: Consent, now: Date): boolean;
};

export const confirmationMs = 5 * 60 * 1000;

export function createConfirmations(ring: KeyRing): Confirmations {
  const keys = new Map([...ring.keys].map(([kid, key]) => [kid, derive(key)]));
  const current = keys.get(ring.current) as Buffer;
  return {
    issue(consent, now) {
      const until = now.getTime() + confirmationMs;
      return [ring.current, consent.count, until, mac(current, consent, until)].join(".");
    },
    accepts(token, consent, now) {
      const [kid = "", count, until, given = ""] = token.split(".");
      const key = keys.get(kid);
      const seen = Number(count);
      if (!key || !Number.isSafeInteger(seen) || !(Number(until) > now.getTime())) return false;
      const expected = mac(key, { ...consent, count: seen }, Number(until));
      const same =
        expected.length === given.length && timingSafeEqual(Buffer.from(expected), Buffer.from(given));
      return same && consent.count <= seen;
    },
  };
}

function derive(key: Buffer): Buffer {
  return Buffer.from(hkdfSync("sha256", key, "", "rotor confirm token", 32));
}

function mac(key: Buffer, { principal, operation, args, count }: Consent, until: number): string {
  const text = JSON.stringify([principal, operation, args, count, until]);
  return createHmac("sha256", key).update(text).digest("base64url");
}
