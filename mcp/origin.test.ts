import { expect, test } from "vitest";
import { checkOrigin, type OriginRules } from "./origin.ts";

function refuses(host: string, origin: string | undefined, rules: OriginRules = {}): boolean {
  const headers = { host, ...(origin && { origin }) };
  try {
    checkOrigin(new Request("http://127.0.0.1/mcp", { headers }), rules);
    return false;
  } catch (error) {
    expect(error).toMatchObject({ code: "ORIGIN_REFUSED" });
    return true;
  }
}

const known = { allowedHosts: ["rotor.example.com"] };

test.each([
  ["a program, which sends no origin", "rotor.example.com", undefined, {}],
  ["a page of this server", "rotor.example.com", "https://rotor.example.com", known],
  ["a page of this machine to this machine", "127.0.0.1:8787", "http://localhost:6274", {}],
  ["a page over IPv6 loopback", "[::1]:8787", "http://[::1]:8787", {}],
  [
    "a page of a site that is allowed",
    "rotor.example.com",
    "https://a.com",
    { ...known, allowedOrigins: ["https://a.com"] },
  ],
])("%s may call", (_, host, origin, rules) => {
  expect(refuses(host, origin, rules)).toBe(false);
});

test.each([
  ["a page of another site", "127.0.0.1:8787", "https://evil.example.com", {}],
  [
    "a page whose name was pointed at this machine",
    "evil.example.com:8787",
    "http://evil.example.com:8787",
    {},
  ],
  ["a page without an origin of its own", "127.0.0.1:8787", "null", {}],
  ["a page of the visitor's machine to a public server", "rotor.example.com", "http://localhost:3000", known],
  ["a page on another port of the same host", "rotor.example.com", "https://rotor.example.com:8443", known],
  ["anyone under a host that is not ours", "evil.example.com", undefined, known],
  ["anyone under a host that is nonsense", "a b", undefined, known],
])("%s may not", (_, host, origin, rules) => {
  expect(refuses(host, origin, rules)).toBe(true);
});
