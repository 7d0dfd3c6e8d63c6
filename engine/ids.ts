import { randomBytes, randomFillSync } from "node:crypto";

/**
 * `job_` and 32 hex digits. The first twelve are the time in milliseconds, so that rows made together
 * lie together in an index; the other twenty are random.
 */
export function newId(prefix: string, now = Date.now()): string {
  return `${prefix}_${now.toString(16).padStart(12, "0")}${randomHex()}`;
}

const idBytes = 10;
const pool = Buffer.alloc(idBytes * 400);
let used = pool.length;

/** Asking the system for randomness costs the same for one id as for hundreds. */
function randomHex(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += idBytes;
  return pool.toString("hex", used - idBytes, used);
}

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** Random base62 text; 43 characters carry 256 bits. */
export function randomText(length: number): string {
  let text = "";
  while (text.length < length) {
    for (const byte of randomBytes(length)) {
      // 248 is the largest multiple of 62 a byte holds: beyond it some letters would be likelier.
      if (byte < 248 && text.length < length) text += base62[byte % 62];
    }
  }
  return text;
}

export function toBase62(number: number, length: number): string {
  let text = "";
  for (let rest = number; text.length < length; rest = Math.floor(rest / 62)) text = base62[rest % 62] + text;
  return text;
}
