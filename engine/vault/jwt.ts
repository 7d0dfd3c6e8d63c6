// Access tokens of an identity provider: signed by a key it publishes, for this server, and not over yet.

import { createPublicKey, type JsonWebKey, type KeyObject, verify } from "node:crypto";

export type Jwk = JsonWebKey & { kid?: string; alg?: string; use?: string };
export type Claims = Record<string, unknown>;
export type Expected = { issuer: string; audience: string; now: Date };

/** Clocks of two machines differ by a little. */
const leewaySeconds = 60;

type Algorithm = { hash: string | null; kty: string; options?: object };

/** Signatures by secrets, and none at all, are no signatures here. */
const algorithms: Record<string, Algorithm> = {
  RS256: { hash: "sha256", kty: "RSA" },
  PS256: { hash: "sha256", kty: "RSA", options: { padding: 6, saltLength: 32 } },
  ES256: { hash: "sha256", kty: "EC", options: { dsaEncoding: "ieee-p1363" } },
  EdDSA: { hash: null, kty: "OKP" },
};

/** The key's id that a token names; undefined for what is no token. */
export function keyIdOf(token: string): { kid: string | undefined } | undefined {
  const header = part(token, 0);
  return header && { kid: typeof header.kid === "string" ? header.kid : undefined };
}

/** What a valid token says; undefined for any other. */
export function readToken(token: string, keys: readonly Jwk[], expected: Expected): Claims | undefined {
  const [header, claims] = [part(token, 0), part(token, 1)];
  if (!header || !claims || token.split(".").length !== 3) return undefined;
  const algorithm = algorithms[String(header.alg)];
  if (!algorithm || !Object.hasOwn(algorithms, String(header.alg)) || header.crit !== undefined)
    return undefined;
  const isSigned = keys
    .filter((key) => key.kty === algorithm.kty && key.use !== "enc")
    .filter(
      (key) => (header.kid === undefined || key.kid === header.kid) && (!key.alg || key.alg === header.alg),
    )
    .some((key) => isSignedBy(token, key, algorithm));
  return isSigned && isMeant(claims, expected) ? claims : undefined;
}

function part(token: string, index: number): Claims | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(token.split(".")[index] ?? "", "base64url").toString());
    return value !== null && typeof value === "object" && !Array.isArray(value)
      ? (value as Claims)
      : undefined;
  } catch {
    return undefined;
  }
}

function isSignedBy(token: string, jwk: Jwk, { hash, options = {} }: Algorithm): boolean {
  const [header, claims, signature = ""] = token.split(".");
  try {
    const key: KeyObject = createPublicKey({ key: jwk, format: "jwk" });
    return verify(
      hash,
      Buffer.from(`${header}.${claims}`),
      { key, ...options },
      Buffer.from(signature, "base64url"),
    );
  } catch {
    // A key we cannot read has signed nothing.
    return false;
  }
}

function isMeant({ iss, aud, exp, nbf }: Claims, { issuer, audience, now }: Expected): boolean {
  const seconds = now.getTime() / 1000;
  const audiences = Array.isArray(aud) ? aud : [aud];
  if (iss !== issuer || !audiences.includes(audience)) return false;
  if (typeof exp !== "number" || exp + leewaySeconds <= seconds) return false;
  return nbf === undefined || (typeof nbf === "number" && nbf - leewaySeconds <= seconds);
}
