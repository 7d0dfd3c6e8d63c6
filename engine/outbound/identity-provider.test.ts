// When the provider is asked for its keys, and what counts while it is away.

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { createIdentityProvider, type IdentityProvider } from "./identity-provider.ts";

let published: string[];
let isAway: boolean;
let asked: number;
let server: Server;
let provider: IdentityProvider;

beforeAll(async () => {
  server = createServer((_, response) => {
    asked++;
    response.statusCode = isAway ? 503 : 200;
    response.end(JSON.stringify({ keys: published.map((kid) => ({ kty: "EC", kid })) }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["performance"] });
  [published, isAway, asked] = [["k1"], false, 0];
  const jwks = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`;
  provider = createIdentityProvider("https://issuer.example.com", jwks);
});
afterEach(() => {
  vi.useRealTimers();
});

const kids = async (kid: string) => (await provider.keys(kid)).map((key) => key.kid);
const seconds = (count: number) => vi.advanceTimersByTime(count * 1000);

test("known keys are not asked for again, and by many at once only once", async () => {
  await Promise.all([kids("k1"), kids("k1"), kids("k1")]);
  expect(await kids("k1")).toEqual(["k1"]);
  expect(asked).toBe(1);
});

test("a new key is found when a token names it; made-up names are asked for twice a minute at most", async () => {
  await kids("k1");
  for (let attempt = 0; attempt < 20; attempt++) expect(await kids(`made-up-${attempt}`)).toEqual(["k1"]);
  expect(asked).toBe(1);
  published = ["k1", "k2"];
  seconds(31);
  expect(await kids("k2")).toEqual(["k1", "k2"]);
  expect(asked).toBe(2);
});

test("a key that was withdrawn is gone after ten minutes", async () => {
  await kids("k1");
  published = ["k2"];
  seconds(601);
  expect(await kids("k1")).toEqual(["k2"]);
});

test("while the provider is away its keys are good for a day, and no longer", async () => {
  await kids("k1");
  isAway = true;
  seconds(3600);
  expect(await kids("k1")).toEqual(["k1"]);
  seconds(24 * 3600);
  await expect(kids("k1")).rejects.toThrow("503");
  isAway = false;
  expect(await kids("k1")).toEqual(["k1"]);
});

test("a provider that never answered is asked again by the next token", async () => {
  isAway = true;
  await expect(kids("k1")).rejects.toThrow("503");
  isAway = false;
  expect(await kids("k1")).toEqual(["k1"]);
});
