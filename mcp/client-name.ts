// Which program is calling. The 2026 protocol says so in each request; the one before says it once, when it
// starts, and a server without sessions would forget it. So the name travels in the session id, which the
// client repeats: nothing is stored, and nothing but provenance depends on it.

import { randomUUID } from "node:crypto";

/** As a client sends it: of any shape. */
export type ClientInfo = { name?: unknown; version?: unknown };

const longest = 100;

/** `claude-code/2.1.0`, in characters that are harmless in a log; null for a client that does not say. */
export function clientName(info: ClientInfo | undefined): string | null {
  const name = oneWord(info?.name);
  if (!name) return null;
  const version = oneWord(info?.version);
  return (version ? `${name}/${version}` : name).slice(0, longest);
}

function oneWord(text: unknown): string {
  return typeof text === "string" ? text.trim().replaceAll(/[^\x21-\x7e]+/g, "-") : "";
}

export function sessionIdFor(client: string): string {
  return `${randomUUID()}.${Buffer.from(client).toString("base64url")}`;
}

export function clientOfSession(sessionId: string | null): string | null {
  const encoded = sessionId?.split(".")[1];
  if (!encoded || encoded.length > 2 * longest) return null;
  return oneWord(Buffer.from(encoded, "base64url").toString()) || null;
}
