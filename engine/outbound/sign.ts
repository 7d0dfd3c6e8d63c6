import { createHmac } from "node:crypto";

/**
 * The signature header: one `v1,<base64 HMAC-SHA256 of {id}.{timestamp}.{body}>` per secret, separated by spaces.
 * The key is the UTF-8 text of the whole secret. Send exactly these bytes, this id and this timestamp (unix seconds).
 */
export function sign(
  secrets: readonly string[],
  id: string,
  timestamp: number,
  body: string | Uint8Array,
): string {
  const start = `${id}.${timestamp}.`;
  return secrets.map((secret) => `v1,${hmac(secret, start, body)}`).join(" ");
}

function hmac(secret: string, start: string, body: string | Uint8Array): string {
  return createHmac("sha256", secret).update(start).update(body).digest("base64");
}
