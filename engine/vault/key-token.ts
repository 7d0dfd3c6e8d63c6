// API keys as text: rt_<tier>_<key id>_<secret><checksum>. The checksum lets a scanner recognise a leaked key
// offline, and lets us refuse a mistyped one without asking the database. Only a hash of it is ever stored.

import { hash, timingSafeEqual } from "node:crypto";
import { crc32 } from "node:zlib";
import type { KeyTier } from "@rotorsh/contract";
import { randomText, toBase62 } from "../ids.ts";

const tierCodes = { team: "team", ws: "workspace", q: "queue" } as const satisfies Record<string, KeyTier>;
type TierCode = keyof typeof tierCodes;

const codeOf: Record<KeyTier, TierCode> = { team: "team", workspace: "ws", queue: "q" };

/** Published for secret scanners. */
export const keyPattern = /^rt_(team|ws|q)_([0-9A-Za-z]{20})_([0-9A-Za-z]{43})([0-9A-Za-z]{6})$/;

export type KeyToken = {
  id: string;
  tier: KeyTier;
  token: string;
  hash: string;
  prefix: string;
  last4: string;
};

export function mintKey(tier: KeyTier): KeyToken {
  const body = `rt_${codeOf[tier]}_${randomText(20)}_${randomText(43)}`;
  return readKey(body + checksum(body)) as KeyToken;
}

/** The parts of a key, or undefined when it has the wrong form or checksum. */
export function readKey(token: string): KeyToken | undefined {
  const match = keyPattern.exec(token);
  if (!match) return undefined;
  const [, code, id, , sum] = match as unknown as [string, TierCode, string, string, string];
  if (checksum(token.slice(0, -6)) !== sum) return undefined;
  const prefix = `rt_${code}_${id.slice(0, 6)}`;
  return {
    id: `key_${id}`,
    tier: tierCodes[code],
    token,
    hash: hashOf(token),
    prefix,
    last4: token.slice(-4),
  };
}

export function sameHash(a: string, b: string): boolean {
  return timingSafeEqual(Buffer.from(a), Buffer.from(b));
}

// A key carries 256 random bits, so a fast hash is as good as a slow one.
export function hashOf(token: string): string {
  return hash("sha256", token, "hex");
}

function checksum(body: string): string {
  return toBase62(crc32(body), 6);
}
