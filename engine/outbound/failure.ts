// Says in a fixed sentence why a request got no response. The system's own messages hold resolved addresses, and
// the receiver's words could be anything, so neither is passed on.

import { EgressRefused } from "./egress.ts";

export type FailureKind = "timeout" | "refused" | "connection" | "tls" | "protocol";

export type Failure = { kind: FailureKind; message: string };

const closed: Failure = {
  kind: "connection",
  message: "The connection was closed before the answer was complete.",
};
const unresolved: Failure = { kind: "connection", message: "The host name does not resolve." };
const unreachable: Failure = { kind: "connection", message: "The host cannot be reached." };
const unconnected: Failure = { kind: "timeout", message: "No connection was made in time." };
const untrusted: Failure = { kind: "tls", message: "The TLS certificate is not from a trusted authority." };

const notHttp: Failure = { kind: "protocol", message: "The answer is not valid HTTP." };

const failures: Record<string, Failure> = {
  ECONNREFUSED: { kind: "connection", message: "The connection was refused." },
  ECONNRESET: closed,
  ECONNABORTED: closed,
  EPIPE: closed,
  UND_ERR_SOCKET: closed,
  UND_ERR_INFO: closed,
  UND_ERR_DESTROYED: { kind: "connection", message: "This server is stopping." },
  UND_ERR_CLOSED: { kind: "connection", message: "This server is stopping." },
  ENOTFOUND: unresolved,
  ENODATA: unresolved,
  EAI_AGAIN: { kind: "connection", message: "The host name could not be resolved for now." },
  EHOSTUNREACH: unreachable,
  ENETUNREACH: unreachable,
  EADDRNOTAVAIL: unreachable,
  ETIMEDOUT: unconnected,
  CONNECT_TIMEOUT: unconnected,
  UND_ERR_HEADERS_OVERFLOW: { kind: "protocol", message: "The headers of the response are too large." },
  UND_ERR_INVALID_ARG: {
    kind: "refused",
    message: "The URL or a header contains a character that cannot be sent.",
  },
  BODY_TOO_LONG: { kind: "protocol", message: "The response is too long." },
  CERT_HAS_EXPIRED: { kind: "tls", message: "The TLS certificate has expired." },
  CERT_NOT_YET_VALID: { kind: "tls", message: "The TLS certificate is not valid yet." },
  ERR_TLS_CERT_ALTNAME_INVALID: { kind: "tls", message: "The TLS certificate is for another host name." },
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  UNABLE_TO_GET_ISSUER_CERT: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  EPROTO: { kind: "tls", message: "The TLS handshake failed." },
};

export function failureOf(error: unknown): Failure {
  if (error instanceof EgressRefused) return { kind: "refused", message: error.message };
  if (error instanceof Error && error.name === "HTTPParserError") return notHttp;
  const code = codeOf(error);
  const known = failures[code];
  if (known) return known;
  if (/^(ERR_SSL|ERR_TLS|CERT_)/.test(code))
    return { kind: "tls", message: `The TLS handshake failed (${code}).` };
  if (/^(HPE_|UND_ERR_RE[QS]_)/.test(code)) return notHttp;
  return {
    kind: "connection",
    message: code ? `The connection failed (${code}).` : "The connection failed.",
  };
}

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" && /^[A-Z0-9_]{1,60}$/.test(code) ? code : "";
}
