import { createHash } from "node:crypto";

const longest = 64;

/** A text short enough for an index: itself, or its hash. */
export function hashed(text: string): string {
  return text.length <= longest ? text : `#${createHash("sha256").update(text).digest("base64url")}`;
}
