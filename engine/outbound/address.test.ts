import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { classify, isInRange, parseRange } from "./address.ts";

// The registries of special-purpose addresses (IANA, RFC 6890 and later), written down as numbers and matched by
// shifting, so that a mistake in the library or in the module under test does not repeat here.
const special4 =
  `0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24
  192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.168.0.0/16 192.175.48.0/24 198.18.0.0/15 198.51.100.0/24
  203.0.113.0/24 224.0.0.0/4 240.0.0.0/4 168.63.129.16/32`.split(/\s+/);

// 2000::/3 less what is set aside in it: everything else in IPv6 is refused.
const special6 = [
  [0x2001_0000n, 32, 23],
  [0x2001_0db8n, 32, 32],
  [0x2002n, 16, 16],
  [0x2620_004f_8000n, 48, 48],
  [0x3fffn, 16, 20],
] as const;

const number4 = (text: string) => text.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);

const text4 = (value: number) => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join(".");

const text6 = (value: bigint) =>
  Array.from({ length: 8 }, (_, i) => ((value >> BigInt(112 - 16 * i)) & 0xffffn).toString(16)).join(":");

function isPublic4(value: number): boolean {
  return !special4.some((range) => {
    const [base = "", bits] = range.split("/");
    const size = 2 ** (32 - Number(bits));
    return Math.floor(value / size) === Math.floor(number4(base) / size);
  });
}

function isPublic6(value: bigint): boolean {
  if (value >> 125n !== 1n) return false;
  return !special6.some(([base, width, bits]) => {
    const start = base << BigInt(128 - width);
    return value >> BigInt(128 - bits) === start >> BigInt(128 - bits);
  });
}

const near = (edges: number[]) => fc.tuple(fc.constantFrom(...edges), fc.integer({ min: -2, max: 2 }));

const edges4 = special4.flatMap((range) => {
  const [base = "", bits] = range.split("/");
  return [number4(base), number4(base) + 2 ** (32 - Number(bits))];
});

const ipv4 = fc.oneof(
  fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  near(edges4).map(([edge, step]) => Math.min(2 ** 32 - 1, Math.max(0, edge + step))),
);

const prefixes6 = [
  ..."0 1 64 64ff9b 100 1fff 2000 20010000 20010db8 200101ff 20010200 2002 2003 2620004f8000 26200050".split(
    " ",
  ),
  ..."3ffe 3fff0 3fff1 3ffff 4000 5f00 fc00 fd00 fe80 fec0 ff00 ffff".split(" "),
];

const ipv6 = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }),
  fc
    .tuple(fc.constantFrom(...prefixes6), fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }))
    .map(([prefix, rest]) => {
      const digits = prefix.length <= 4 ? prefix.padStart(4, "0") : prefix;
      const width = BigInt(digits.length * 4);
      return (BigInt(`0x${digits}`) << (128n - width)) | (rest >> width);
    }),
);

describe("against the registries", () => {
  test("an IPv4 address is public exactly when no registry sets it aside", () => {
    fc.assert(
      fc.property(ipv4, (value) => {
        expect([text4(value), classify(text4(value)) === "public"]).toEqual([text4(value), isPublic4(value)]);
      }),
      { numRuns: 3000 },
    );
  });

  test("an IPv6 address is public exactly when it is in 2000::/3 and not set aside there", () => {
    fc.assert(
      fc.property(ipv6, (value) => {
        expect([text6(value), classify(text6(value)) === "public"]).toEqual([text6(value), isPublic6(value)]);
      }),
      { numRuns: 3000 },
    );
  });

  test("no IPv4 address becomes public by being put into an IPv6 one", () => {
    const carriers = ["::", "::ffff:", "::ffff:0:", "64:ff9b::", "64:ff9b:1::"];
    fc.assert(
      fc.property(ipv4, fc.constantFrom(...carriers), (value, carrier) => {
        const hex = `${(value >>> 16).toString(16)}:${(value & 0xffff).toString(16)}`;
        expect(classify(`${carrier}${hex}`)).not.toBe("public");
        expect(classify(`2002:${hex}::1`)).not.toBe("public");
        expect(classify(`2001:0:${hex}::1`)).not.toBe("public");
      }),
    );
  });

  test("a range holds exactly the addresses with its leading bits", () => {
    fc.assert(
      fc.property(ipv4, ipv4, fc.integer({ min: 0, max: 32 }), (base, value, bits) => {
        const range = parseRange(`${text4(base)}/${bits}`);
        const size = 2 ** (32 - bits);
        expect(range && isInRange(text4(value), range)).toBe(
          Math.floor(base / size) === Math.floor(value / size),
        );
      }),
    );
  });
});

describe("names of the kinds", () => {
  test.each([
    ["93.184.216.34", "public"],
    ["2606:2800:220:1:248:1893:25c8:1946", "public"],
    ["169.254.169.254", "cloud metadata"],
    ["fd00:ec2::254", "cloud metadata"],
    ["fd00:0ec2:0:0::254", "cloud metadata"],
    ["168.63.129.16", "cloud metadata"],
    ["100.100.100.200", "cloud metadata"],
    ["127.0.0.1", "loopback"],
    ["::1", "loopback"],
    ["10.0.0.1", "private"],
    ["fd12::1", "private"],
    ["fec0::1", "private"],
    ["169.254.1.1", "link-local"],
    ["fe80::1", "link-local"],
    ["fe80::1%eth0", "link-local"],
    ["100.64.0.1", "carrier NAT"],
    ["0.0.0.0", "unspecified"],
    ["::", "unspecified"],
    ["255.255.255.255", "broadcast"],
    ["224.0.0.1", "multicast"],
    ["ff02::1", "multicast"],
    ["::ffff:127.0.0.1", "IPv4 in IPv6"],
    ["::7f00:1", "IPv4 in IPv6"],
    ["64:ff9b::7f00:1", "IPv4 in IPv6"],
    ["2002:7f00:1::", "IPv4 in IPv6"],
    ["2001::7f00:1", "IPv4 in IPv6"],
    ["192.0.2.1", "reserved"],
    ["2001:db8::1", "reserved"],
    ["3fff:123::1", "reserved"],
    ["198.18.0.1", "reserved"],
  ])("%s is %s", (address, kind) => {
    expect(classify(address)).toBe(kind);
  });

  test.each([
    "",
    "127.1",
    "0x7f000001",
    "017700000001",
    "2130706433",
    "127.0.0.01",
    "[::1]",
    "localhost",
    "1.2.3.4.5",
  ])("%j is not an address in the strict form", (text) => {
    expect(classify(text)).toBe("not an address");
  });
});
