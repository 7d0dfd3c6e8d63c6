import { describe, expect, test } from "vitest";
import { hostileUrls } from "../testing/hostile-urls.ts";
import { createEgress, EgressRefused, type EgressRules, readEgressAllow } from "./egress.ts";

const ownAddress = "93.184.216.99";

const build = (rules: Partial<EgressRules> = {}) =>
  createEgress({ httpToLoopback: false, allow: [], ...rules }, () => [ownAddress, "2606:2800:220::99"]);

function ruleOf(act: () => void): string | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    if (error instanceof EgressRefused) return error.rule;
    throw error;
  }
}

const saved = (url: string, rules: Partial<EgressRules> = {}) =>
  ruleOf(() => build(rules).checkUrl(new URL(url)));

const reached = (host: string, address: string, rules: Partial<EgressRules> = {}) =>
  ruleOf(() => build(rules).checkAddress(host, address));

describe("the text of a URL", () => {
  test.each(hostileUrls)("%s is refused", (url) => {
    expect(saved(url)).toBeDefined();
  });

  test.each(hostileUrls)("%s is refused without naming an address", (url) => {
    try {
      build().checkUrl(new URL(url));
    } catch (error) {
      expect((error as Error).message).not.toMatch(/\d+\.\d+\.\d+|::/);
    }
  });

  test.each([
    "https://example.com/",
    "https://example.com:443/a?b=c",
    "https://example.com:8443/",
    "https://example.com:80/",
    "https://93.184.216.34/",
    "https://[2606:2800:220:1:248:1893:25c8:1946]/",
    "https://localhost.example.com/",
    "https://127.0.0.1.example.com/",
  ])("%s is accepted", (url) => {
    expect(saved(url)).toBeUndefined();
  });

  test("an address of this very machine is refused although it is public", () => {
    expect(saved(`https://${ownAddress}/`)).toBe("own address");
    expect(saved("https://[2606:2800:0220:0::99]/")).toBe("own address");
  });
});

describe("dev mode", () => {
  const rules = { httpToLoopback: true };

  test.each([
    "http://localhost:3000/",
    "http://127.0.0.1:3000/",
    "http://[::1]:3000/",
    "http://app.localhost/",
  ])("%s is accepted", (url) => {
    expect(saved(url, rules)).toBeUndefined();
  });

  test.each([
    ["http://example.com/", "scheme"],
    ["http://10.0.0.1/", "scheme"],
    ["https://10.0.0.1/", "private"],
    ["http://0.0.0.0:3000/", "scheme"],
    ["http://localhost:6379/", "port"],
    ["http://169.254.169.254/", "scheme"],
  ])("%s is refused: %s", (url, rule) => {
    expect(saved(url, rules)).toBe(rule);
  });

  test("a foreign name that resolves to loopback is refused, localhost is not", () => {
    expect(reached("evil.example", "127.0.0.1", rules)).toBe("loopback");
    expect(reached("localhost", "127.0.0.1", rules)).toBeUndefined();
    expect(reached("localhost", "10.0.0.1", rules)).toBe("private");
  });
});

describe("the allow list", () => {
  test("a range opens its addresses, also for localhost and by http, and no others", () => {
    const rules = { allow: ["127.0.0.0/8"] };
    expect(saved("https://127.0.0.1/", rules)).toBeUndefined();
    expect(saved("http://127.0.0.1:3000/", rules)).toBeUndefined();
    expect(saved("http://localhost:3000/", rules)).toBeUndefined();
    expect(saved("https://[::1]/", rules)).toBe("loopback");
    expect(saved("https://10.0.0.1/", rules)).toBe("private");
    expect(saved("https://169.254.169.254/", rules)).toBe("cloud metadata");
  });

  test.each(["169.254.169.254", "168.63.129.16", "100.100.100.200"])(
    "however wide, a range does not open the metadata address %s; the address itself does",
    (address) => {
      expect(reached("x.example", address, { allow: ["0.0.0.0/0", "x.example"] })).toBe("cloud metadata");
      expect(reached("x.example", address, { allow: [address] })).toBeUndefined();
      expect(saved(`https://${address}/`, { allow: [address] })).toBeUndefined();
    },
  );

  test("the IPv6 metadata address too", () => {
    expect(reached("x.example", "fd00:ec2::254", { allow: ["fc00::/7", "::/0"] })).toBe("cloud metadata");
    expect(reached("x.example", "fd00:ec2::254", { allow: ["fd00:ec2::254"] })).toBeUndefined();
  });

  test("a host name opens its private addresses and http to it, and no other name", () => {
    const rules = { allow: ["hooks.internal"] };
    expect(saved("http://HOOKS.internal.:8080/", rules)).toBeUndefined();
    expect(reached("hooks.internal", "10.1.2.3", rules)).toBeUndefined();
    expect(reached("other.internal", "10.1.2.3", rules)).toBe("private");
    expect(saved("http://other.internal/", rules)).toBe("scheme");
  });

  test.each([
    "10.0.0/8",
    "10.0.0.0/33",
    "10.1",
    "0x7f.1",
    "::/129",
    "http://a.example",
    "a b",
    "*.example",
    "a/8",
    "",
  ])("the entry %j is not understood, and opens nothing", (entry) => {
    expect(() => readEgressAllow([entry])).toThrow(/CIDRs, addresses or host names/);
  });
});
