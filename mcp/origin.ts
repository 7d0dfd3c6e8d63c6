// Keeps web pages out. A browser adds Origin to every POST, so a page of a stranger shows itself, and so does
// one whose name was made to point at this machine (DNS rebinding): its own host is not one we answer to.

import { RotorError } from "@rotorsh/contract";

export type OriginRules = {
  /**
   * Host names, without port, that this server is reached by besides loopback. Given, any other Host is
   * refused; not given, only pages are held to it.
   */
  allowedHosts?: readonly string[] | undefined;
  /** Origins of other sites whose pages may call, e.g. `https://tools.example.com`. */
  allowedOrigins?: readonly string[] | undefined;
};

export function checkOrigin(request: Request, { allowedHosts, allowedOrigins = [] }: OriginRules): void {
  const origin = request.headers.get("origin");
  // Programs send none, and no host is asked of them: nothing to read then.
  if (origin === null && !allowedHosts) return;
  const host = urlOf(`http://${request.headers.get("host") ?? new URL(request.url).host}`);
  const isOurs = host !== undefined && (isLoopback(host) || (allowedHosts ?? []).includes(host.hostname));
  if (allowedHosts && !isOurs) throw new RotorError("ORIGIN_REFUSED", {}, { hint: hostHint });
  if (origin === null || allowedOrigins.includes(origin)) return;
  const page = urlOf(origin);
  if (!page || !host || !isOurs) throw new RotorError("ORIGIN_REFUSED");
  const isSameHost = page.host === host.host;
  if (!isSameHost && !(isLoopback(page) && isLoopback(host))) throw new RotorError("ORIGIN_REFUSED");
}

const hostHint = "The Host header names a server that this one does not answer for.";

function isLoopback({ hostname }: URL): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d+){3}$/.test(hostname);
}

function urlOf(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}

/** What lets the page of an admitted origin read the answer. */
export function corsHeaders(request: Request): Record<string, string> {
  const origin = request.headers.get("origin");
  if (origin === null) return {};
  return {
    "access-control-allow-origin": origin,
    "access-control-allow-methods": "POST, OPTIONS",
    "access-control-allow-headers":
      request.headers.get("access-control-request-headers") ?? "authorization, content-type",
    "access-control-expose-headers": "mcp-session-id, www-authenticate, x-request-id, retry-after",
    "access-control-max-age": "600",
    vary: "origin",
  };
}
