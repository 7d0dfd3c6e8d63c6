// Tokens by which a caller shows that the preview of this very call was seen. Nothing is stored: a token is a
// signature over who, what, how much and until when.

import { createHmac, timingSafeEqual } from "node:crypto";
import type { Json } from "@rotorsh/contract";

/** What is agreed to: which call, and how many things it is about. */
export type Consent = { operation: string; args: Json; count: number };

export type Consents = {
  issue(consent: Consent): string;
  /** True for a token of the same caller and call that is not too old; fewer things than it showed are fine. */
  accepts(token: string, consent: Consent): boolean;
};

const validMs = 5 * 60 * 1000;

export function createConsents(key: Buffer, principal: string, now: () => number = Date.now): Consents {
  const sign = ({ operation, args, count }: Consent, until: number) => {
    const text = JSON.stringify([principal, operation, sorted(args), count, until]);
    return createHmac("sha256", key).update(text).digest("base64url");
  };
  return {
    issue(consent) {
      const until = now() + validMs;
      return [consent.count, until, sign(consent, until)].join(".");
    },
    accepts(token, consent) {
      const [count, until, given = ""] = token.split(".");
      const [seen, end] = [Number(count), Number(until)];
      if (!Number.isSafeInteger(seen) || !(end > now()) || consent.count > seen) return false;
      const expected = sign({ ...consent, count: seen }, end);
      return expected.length === given.length && timingSafeEqual(Buffer.from(expected), Buffer.from(given));
    },
  };
}

/** The same arguments are the same call, in whatever order they were written. */
function sorted(args: Json): [string, unknown][] {
  return Object.entries(args)
    .filter(([, value]) => value !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
}
