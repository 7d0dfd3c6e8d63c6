import type { Context, MiddlewareHandler } from "hono";
import { nodeHttpOf } from "./node-http.ts";

const yearSeconds = 31_536_000;

/** Every answer: no sniffing, no framing, no caching unless the route says otherwise. */
const always = Object.entries({
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "strict-transport-security": `max-age=${yearSeconds}; includeSubDomains`,
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
});

export const securityHeaders: MiddlewareHandler = async (c, next) => {
  const outgoing = nodeHttpOf(c)?.outgoing;
  for (const [name, value] of always) outgoing?.setHeader(name, value);
  await next();
  if (outgoing) return;
  const { headers } = c.res;
  for (const [name, value] of always) if (!headers.has(name)) headers.set(name, value);
};

/**
 * For headers that answers have in common. They are set on Node's response: a Headers object would cost more than
 * all the rest of the answer. What the route says itself replaces them.
 */
export function setHeader(c: Context, name: string, value: string): void {
  const outgoing = nodeHttpOf(c)?.outgoing;
  if (outgoing) outgoing.setHeader(name, value);
  else c.header(name, value);
}

/** For pages: our own style sheet and nothing else; no script at all. */
export const pagePolicy =
  "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
