// The keys of the identity provider that the operator configured. Its address comes from the operator, never from a
// caller or a token, and nothing is sent there.

import type { Jwk } from "../vault/jwt.ts";

export type IdentityProvider = {
  /** Its keys; asked for again when a token names one that is not among them. */
  keys(kid: string | undefined): Promise<readonly Jwk[]>;
};

const keptMs = 10 * 60 * 1000;
/** How long they are good while it does not answer: a key that was withdrawn must not live as long as an outage. */
const longestMs = 24 * 60 * 60 * 1000;
/** Tokens with made-up key ids must not make us ask all the time. */
const soonestMs = 30_000;
const longestAnswer = 256 * 1024;

export function createIdentityProvider(issuer: string, jwksUrl: string | undefined): IdentityProvider {
  let kept: readonly Jwk[] = [];
  let askedAt = Number.NEGATIVE_INFINITY;
  let readAt = Number.NEGATIVE_INFINITY;
  let asking: Promise<void> | undefined;

  async function ask(): Promise<void> {
    const address =
      jwksUrl ?? (await read(`${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`)).jwks_uri;
    const { keys } = await read(String(address));
    if (!Array.isArray(keys)) throw new Error(`${String(address)} holds no keys`);
    kept = keys as Jwk[];
    readAt = performance.now();
  }

  return {
    async keys(kid) {
      const age = performance.now() - askedAt;
      const isKnown = kept.length > 0 && (kid === undefined || kept.some((key) => key.kid === kid));
      if (age > keptMs || (!isKnown && age > soonestMs)) {
        askedAt = performance.now();
        asking = ask().finally(() => {
          asking = undefined;
        });
      }
      await asking?.catch((error: unknown) => {
        if (performance.now() - readAt <= longestMs) return;
        askedAt = Number.NEGATIVE_INFINITY;
        throw error;
      });
      return kept;
    },
  };
}

async function read(url: string): Promise<Record<string, unknown>> {
  const response = await fetch(url, { signal: AbortSignal.timeout(5000), redirect: "error" });
  const text = await response.text();
  if (!response.ok || text.length > longestAnswer) throw new Error(`${url} answered ${response.status}`);
  return JSON.parse(text) as Record<string, unknown>;
}
