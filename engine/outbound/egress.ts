// Where outbound calls may go. The same rules are asked when a URL is saved (its text) and when a connection is
// opened (the addresses its name has at that moment, and the address that was really reached).

import { networkInterfaces } from "node:os";
import { type AddressKind, canonical, classify, isInRange, parseRange } from "./address.ts";

export type EgressRules = {
  /** Dev mode: http, and loopback addresses, for `localhost` and literal loopback addresses. */
  httpToLoopback: boolean;
  /** CIDRs, addresses or host names that may be reached although they are not public, also by http. */
  allow: readonly string[];
};

export type EgressRule = "scheme" | "user name" | "port" | Exclude<AddressKind, "public">;

/** Names the rule and never an address: where a name leads inside this network is not the caller's to know. */
export class EgressRefused extends Error {
  override readonly name = "EgressRefused";
  readonly code = "EGRESS_REFUSED";
  readonly rule: EgressRule;
  /** Reads on from the name of a field: "must be https". */
  readonly problem: string;

  constructor(rule: EgressRule, problem = `must not lead to an address of the kind "${rule}"`) {
    super(`The URL ${problem}.`);
    this.rule = rule;
    this.problem = problem;
  }
}

export type Target = { protocol: string; hostname: string; port: string };

export type Egress = {
  /** Throws EgressRefused for what the text alone tells. */
  checkUrl(url: URL): void;
  /** The part of `checkUrl` that is the same for every URL of an origin. */
  checkTarget(target: Target): void;
  /** Throws EgressRefused unless this host name may be served from this address. */
  checkAddress(host: string, address: string): void;
};

type Allowed = {
  hosts: Set<string>;
  ranges: NonNullable<ReturnType<typeof parseRange>>[];
  exact: Set<string>;
};

const metadataHosts = new Set(["metadata.google.internal", "metadata.goog"]);

/** Ports from 1024 on that speak something else than HTTP, or give control over a host to whoever connects. */
const closedPorts = new Set([
  1433, 1521, 2049, 2181, 2375, 2376, 2379, 2380, 3306, 3389, 4369, 5432, 5672, 5900, 5984, 6000, 6379, 6443,
  6666, 6667, 9042, 9092, 9200, 9300, 10250, 11211, 27017,
]);

type Policy = EgressRules & { allowed: Allowed; ownAddresses: () => string[] };

export function createEgress(rules: EgressRules, ownAddresses = interfaceAddresses): Egress {
  const policy: Policy = { ...rules, allowed: readEgressAllow(rules.allow), ownAddresses };
  return {
    checkUrl(url) {
      if (url.username || url.password) {
        throw new EgressRefused(
          "user name",
          "must not contain a user name or password; send a header instead",
        );
      }
      checkTarget(policy, url);
    },
    checkTarget: (target) => checkTarget(policy, target),
    checkAddress: (host, address) => checkAddress(policy, host, address),
  };
}

function checkTarget(policy: Policy, { protocol, hostname, port }: Target): void {
  const host = plainHost(hostname);
  checkPort(port);
  if (metadataHosts.has(host) && !policy.allowed.hosts.has(host)) throw new EgressRefused("cloud metadata");
  const known = isLoopbackName(host) ? loopbackAddresses : isIp(host) ? [host] : [];
  checkScheme(policy, protocol, host, known);
  // A name with several known addresses is refused only when none of them may be reached.
  const refusals = known.flatMap((address) => refusalOf(() => checkAddress(policy, host, address)) ?? []);
  if (known.length > 0 && refusals.length === known.length) throw refusals[0];
}

function checkScheme(policy: Policy, protocol: string, host: string, known: readonly string[]): void {
  const { allowed, httpToLoopback } = policy;
  if (protocol === "https:") return;
  const isHttp = protocol === "http:";
  if (isHttp && (allowed.hosts.has(host) || (httpToLoopback && isLoopback(host)))) return;
  if (isHttp && known.some((ip) => isAllowed(allowed, ip))) return;
  throw new EgressRefused("scheme", schemeProblem(httpToLoopback));
}

function checkAddress(
  { allowed, httpToLoopback, ownAddresses }: Policy,
  host: string,
  address: string,
): void {
  const ip = canonical(address);
  if (allowed.exact.has(ip)) return;
  const kind = classify(ip);
  if (kind === "cloud metadata" || kind === "not an address") throw new EgressRefused(kind);
  if (allowed.hosts.has(plainHost(host)) || isAllowed(allowed, ip)) return;
  if (kind === "loopback" && httpToLoopback && isLoopback(host)) return;
  if (kind !== "public") throw new EgressRefused(kind);
  if (ownAddresses().some((own) => canonical(own) === ip)) throw new EgressRefused("own address");
}

function isAllowed({ ranges }: Allowed, ip: string): boolean {
  return ranges.some((range) => isInRange(ip, range));
}

/** Both families: `localhost` never leaves this machine, so no resolver is asked for it. */
export const loopbackAddresses = ["127.0.0.1", "::1"] as const;

export function isLoopbackName(host: string): boolean {
  return /^(.+\.)?localhost$/.test(plainHost(host));
}

/** The host of a URL without the brackets of IPv6 and without trailing dots. */
export function plainHost(hostname: string): string {
  return hostname
    .replace(/^\[(.*)\]$/, "$1")
    .replace(/\.+$/, "")
    .toLowerCase();
}

export function isIp(host: string): boolean {
  return classify(host) !== "not an address";
}

function refusalOf(check: () => void): unknown {
  try {
    check();
    return undefined;
  } catch (error) {
    return error;
  }
}

function isLoopback(host: string): boolean {
  return isLoopbackName(host) || classify(plainHost(host)) === "loopback";
}

function checkPort(text: string): void {
  if (text === "" || text === "80" || text === "443") return;
  const port = Number(text);
  if (port >= 1024 && !closedPorts.has(port)) return;
  throw new EgressRefused(
    "port",
    "must use port 80, 443 or one from 1024 on that no other service is known for",
  );
}

function schemeProblem(httpToLoopback: boolean): string {
  return httpToLoopback
    ? "must be https, or http to localhost"
    : "must be https; http is only for localhost in dev mode and for hosts in ROTOR_EGRESS_ALLOW";
}

/** Throws on an entry that is neither a CIDR, an address nor a host name: a typing error is not to open nothing. */
export function readEgressAllow(entries: readonly string[]): Allowed {
  const allowed: Allowed = { hosts: new Set(), ranges: [], exact: new Set() };
  for (const entry of entries) {
    const range = parseRange(entry);
    if (range) allowed.ranges.push(range);
    else if (isHostName(entry)) allowed.hosts.add(entry.toLowerCase());
    else throw new Error("must be CIDRs, addresses or host names, separated by commas");
    if (isIp(entry)) allowed.exact.add(canonical(entry));
  }
  return allowed;
}

/** What a URL would read as an address in one of its older spellings (10.1, 0x7f.1) is no name. */
function isHostName(text: string): boolean {
  if (!/^[\w.-]{1,253}$/.test(text) || !URL.canParse(`https://${text}`)) return false;
  return new URL(`https://${text}`).hostname === text.toLowerCase();
}

function interfaceAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap(
    (addresses) => addresses?.map(({ address }) => address) ?? [],
  );
}
