// Who may come in to `/mcp`: holders of keys, and, where an identity provider is configured, of its access tokens.
// Refusals tell a client where to get a token, and which one (RFC 9728, RFC 6750).

import { isRotorError, type Permission, RotorError } from "@rotorsh/contract";
import { type Caller, type OAuthOptions, type Provenance, scopes } from "@rotorsh/engine";
import type { App, AppContext } from "./app.ts";
import { authenticateKey, credentialOf, type Gate } from "./credentials.ts";
import { respondError } from "./respond.ts";

type Admitted = { caller: Caller; challenge?: (needs: Permission) => Response | undefined };

export type McpDoor = {
  admit(c: AppContext): Promise<Admitted | Response>;
  /** The same bearer, for a further call of the same request. */
  again(c: AppContext, provenance: Provenance): Promise<Caller>;
};

const metadataPath = "/.well-known/oauth-protected-resource";
const allScopes = Object.keys(scopes) as (keyof typeof scopes)[];

export function createDoor(
  app: App,
  gate: Gate,
  oauth: Pick<OAuthOptions, "issuer" | "audience"> | undefined,
): McpDoor {
  const { engine } = gate;
  const { authenticateToken } = engine;
  if (oauth) serveMetadata(app, oauth);
  const isToken = ({ token }: { token: string | undefined }) =>
    authenticateToken !== undefined && token !== undefined && !token.startsWith("rt_");

  async function again(c: AppContext, provenance: Provenance): Promise<Caller> {
    const credential = credentialOf(c);
    if (!authenticateToken || !isToken(credential)) return engine.authenticate(credential, provenance);
    return authenticateToken(credential.token as string, credential.workspaceId, provenance);
  }

  return {
    again,
    async admit(c) {
      try {
        if (!isToken(credentialOf(c)))
          return { caller: await authenticateKey(c, gate, { noQueueKeys: "mcp" }) };
        const caller = await again(c, c.get("provenance"));
        c.set("caller", caller);
        return { caller, challenge: (needs) => challenge(c, caller, needs, oauth?.audience ?? "") };
      } catch (error) {
        if (!oauth || !isRotorError(error) || error.code !== "UNAUTHENTICATED") throw error;
        const response = respondError(c, error, c.get("requestId"));
        const problem = credentialOf(c).token === undefined ? "" : 'error="invalid_token", ';
        const scope = "rotor:read rotor:develop";
        response.headers.set(
          "www-authenticate",
          `Bearer ${problem}${pointer(c, oauth.audience)}, scope="${scope}"`,
        );
        return response;
      }
    },
  };
}

/** Only where another token would help: nobody's scopes give more than the person's role. */
function challenge(c: AppContext, caller: Caller, needs: Permission, audience: string): Response | undefined {
  const missing = allScopes.find((scope) => scopes[scope] === needs);
  if (!missing) return undefined;
  const held = allScopes.filter((scope) => caller.permissions.has(scopes[scope]));
  const error = new RotorError("FORBIDDEN", { needs });
  const response = respondError(c, error, c.get("requestId"));
  const scope = [...new Set([...held, missing])].join(" ");
  const text = `Bearer error="insufficient_scope", ${pointer(c, audience)}, scope="${scope}"`;
  response.headers.set("www-authenticate", text);
  return response;
}

/** Behind a proxy a request shows http; what the tokens are for says how this host is really reached. */
function pointer(c: AppContext, audience: string): string {
  const asked = new URL(c.req.url);
  const known = URL.canParse(audience) ? new URL(audience) : asked;
  const { origin } = known.host === asked.host ? known : asked;
  return `resource_metadata="${origin}${metadataPath}/mcp"`;
}

function serveMetadata(app: App, { issuer, audience }: Pick<OAuthOptions, "issuer" | "audience">): void {
  const metadata = {
    resource: audience,
    resource_name: "Rotor",
    authorization_servers: [issuer],
    scopes_supported: allScopes,
    bearer_methods_supported: ["header"],
  };
  app.get(metadataPath, (c) => c.json(metadata));
  app.get(`${metadataPath}/*`, (c) => c.json(metadata));
}
