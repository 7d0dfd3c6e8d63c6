// What kind of address an IP is. Only plain global unicast counts as public: everything that is local, reserved,
// or that carries an IPv4 address inside an IPv6 one is named by the rule that refuses it.

import ipaddr from "ipaddr.js";

export type AddressKind =
  | "public"
  | "cloud metadata"
  | "own address"
  | "loopback"
  | "private"
  | "link-local"
  | "carrier NAT"
  | "unspecified"
  | "broadcast"
  | "multicast"
  | "IPv4 in IPv6"
  | "reserved"
  | "not an address";

type Ip = ipaddr.IPv4 | ipaddr.IPv6;
type Range = [Ip, number];

/** Answers credentials to whoever asks from inside; ipaddr.js calls some of these plain unicast. */
const metadata = new Set(
  [
    "169.254.169.254",
    "169.254.170.2",
    "168.63.129.16",
    "100.100.100.200",
    "192.0.0.192",
    "fd00:ec2::254",
  ].map(canonical),
);

const kinds: Record<string, AddressKind> = {
  unspecified: "unspecified",
  broadcast: "broadcast",
  multicast: "multicast",
  linkLocal: "link-local",
  loopback: "loopback",
  carrierGradeNat: "carrier NAT",
  private: "private",
  uniqueLocal: "private",
  deprecatedSiteLocal: "private",
  ipv4Mapped: "IPv4 in IPv6",
  rfc6145: "IPv4 in IPv6",
  rfc6052: "IPv4 in IPv6",
  "6to4": "IPv4 in IPv6",
  teredo: "IPv4 in IPv6",
};

const globalUnicast: Range = [ipaddr.parse("2000::"), 3];
const ipv4Compatible: Range = [ipaddr.parse("::"), 96];

/** Takes the strict textual forms only: four decimal parts, or IPv6 without brackets. */
export function classify(text: string): AddressKind {
  const ip = parseIp(text);
  if (!ip) return "not an address";
  if (metadata.has(ip.toString())) return "cloud metadata";
  const range = ip.range();
  if (range !== "unicast") return kinds[range] ?? "reserved";
  if (ip.kind() === "ipv4" || isIn(ip, globalUnicast)) return "public";
  return isIn(ip, ipv4Compatible) ? "IPv4 in IPv6" : "reserved";
}

/** One spelling per address, for comparing; a text that is no address stays as it is. */
export function canonical(text: string): string {
  return parseIp(text)?.toString() ?? text;
}

/** Reads `10.0.0.0/8` or one address; undefined when it is neither. */
export function parseRange(text: string): Range | undefined {
  const [base = "", bits, ...rest] = text.split("/");
  const ip = parseIp(base);
  if (!ip || rest.length > 0) return undefined;
  const longest = ip.kind() === "ipv4" ? 32 : 128;
  if (bits === undefined) return [ip, longest];
  return /^\d{1,3}$/.test(bits) && Number(bits) <= longest ? [ip, Number(bits)] : undefined;
}

export function isInRange(text: string, range: Range): boolean {
  const ip = parseIp(text);
  return ip !== undefined && isIn(ip, range);
}

function isIn(ip: Ip, [base, bits]: Range): boolean {
  return ip.kind() === base.kind() && ip.match(base, bits);
}

function parseIp(text: string): Ip | undefined {
  // The operating system names the interface after a link-local address: fe80::1%eth0.
  const [address = ""] = text.split("%");
  if (ipaddr.IPv4.isValidFourPartDecimal(address)) return ipaddr.IPv4.parse(address);
  return ipaddr.IPv6.isValid(address) ? ipaddr.IPv6.parse(address) : undefined;
}
