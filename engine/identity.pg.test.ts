// K-1 to K-5 and T-5: which keys open the door, and how the others are turned away.

import type { RotorError } from "@rotorsh/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Provenance } from "./caller.ts";
import { type Engine, startEngine } from "./engine.ts";
import {
  buildKey,
  codeOf,
  provenance,
  startProxy,
  startTestEngine,
  type TestEngine,
  testOptions,
} from "./testing/index.ts";
import { mintKey } from "./vault/key-token.ts";

let rotor: TestEngine;
let peer: Engine;

beforeAll(async () => {
  rotor = await startTestEngine();
  peer = await rotor.startPeer();
});

afterAll(() => rotor.stop());

const enter = (token: string | undefined, from: Partial<Provenance> = {}, engine = rotor.engine) =>
  engine.authenticate({ token }, { ...provenance, ...from });

/** One letter of the key, from the front, replaced by another one of the alphabet. */
function misspelt(token: string, index: number): string {
  const letter = token[index] === "a" ? "b" : "a";
  return token.slice(0, index) + letter + token.slice(index + 1);
}

test("K-1: a key with any one character changed is refused before the database is asked", async () => {
  const { token } = mintKey("workspace");
  const { engine, stop } = await startOffline();
  const wrong = [...token].map((_, index) => misspelt(token, index));
  const forms = [...wrong, token.slice(0, -1), `${token}a`, `${token}\n`, ` ${token}`, "", undefined];
  const codes = await Promise.all(forms.map((form) => codeOf(enter(form, {}, engine))));
  expect(new Set(codes)).toEqual(new Set(["UNAUTHENTICATED"]));
  // The key itself does need the database, and there is none.
  expect(await codeOf(enter(token, {}, engine))).toBe("UNAVAILABLE");
  await stop();
});

/** An engine whose database went away after the start. */
async function startOffline(): Promise<{ engine: Engine; stop(): Promise<void> }> {
  const proxy = await startProxy(rotor.url);
  const engine = await startEngine(testOptions(proxy.url));
  proxy.set("refuse");
  return {
    engine,
    async stop() {
      await engine.close();
      await proxy.close();
    },
  };
}

async function expired(): Promise<string> {
  return rotor.home.tokenFor({ expiresAt: new Date("2020-01-01T00:00:00Z") });
}

async function revoked(): Promise<string> {
  const { token, id } = await buildKey(rotor.sql, rotor.home, {});
  await rotor.sql`update api_key set revoked_at = rotor_now() where id = ${id}`;
  return token;
}

async function ofDisabledMember(): Promise<string> {
  const { token, memberId } = await buildKey(rotor.sql, rotor.home, {});
  await rotor.sql`update member set status = 'disabled' where id = ${memberId}`;
  return token;
}

/** The id of a key that exists, with another secret. */
async function wrongSecret(): Promise<string> {
  const { token, id } = await buildKey(rotor.sql, rotor.home, {});
  await rotor.sql`update api_key set hash = ${mintKey("workspace").hash} where id = ${id}`;
  return token;
}

test("K-4: wrong, unknown, expired, revoked and orphaned keys get one and the same answer", async () => {
  const tokens = [
    "nonsense",
    mintKey("workspace").token,
    await wrongSecret(),
    await expired(),
    await revoked(),
    await ofDisabledMember(),
  ];
  const bodies = await Promise.all(
    tokens.map((token) =>
      enter(token).catch((error: RotorError) => JSON.stringify([error.status, error.toBody()])),
    ),
  );
  expect(new Set(bodies).size).toBe(1);
  expect(bodies[0]).toContain("UNAUTHENTICATED");
});

test("K-4: an unknown key takes no other time than a wrong one", async () => {
  const unknown = mintKey("workspace").token;
  const wrong = await wrongSecret();
  const samples: Record<"unknown" | "wrong", number[]> = { unknown: [], wrong: [] };
  for (let round = 0; round < 300; round++) {
    for (const [kind, token] of [
      ["unknown", unknown],
      ["wrong", wrong],
    ] as const) {
      const start = performance.now();
      await enter(token).catch(() => {});
      samples[kind].push(performance.now() - start);
    }
  }
  const at = (times: number[], share: number) =>
    times.toSorted((a, b) => a - b)[Math.floor(times.length * share)] as number;
  const difference = Math.abs(at(samples.unknown, 0.5) - at(samples.wrong, 0.5));
  // Half of all answers to one and the same key differ by more than this.
  const noise = at(samples.wrong, 0.75) - at(samples.wrong, 0.25);
  expect(difference).toBeLessThan(Math.max(noise, 0.2));
});

test("K-5: a key works until it expires, by the database's clock", async () => {
  const [row] = await rotor.sql`select rotor_now() + interval '1 hour' as soon`;
  const token = await rotor.home.tokenFor({ expiresAt: row?.soon });
  expect(await codeOf(enter(token))).toBe("ok");
  await rotor.moveClock("59 minutes");
  expect(await codeOf(enter(token))).toBe("ok");
  await rotor.moveClock("61 seconds");
  expect(await codeOf(enter(token))).toBe("UNAUTHENTICATED");
});

test.each([
  ["192.0.2.7", ["192.0.2.7"], "ok"],
  ["192.0.2.8", ["192.0.2.7"], "ADDRESS_REFUSED"],
  ["10.9.8.7", ["192.0.2.7", "10.0.0.0/8"], "ok"],
  ["11.0.0.1", ["10.0.0.0/8"], "ADDRESS_REFUSED"],
  ["::ffff:10.9.8.7", ["10.0.0.0/8"], "ok"],
  ["2001:db8::5", ["2001:db8::/32"], "ok"],
  ["2001:db9::5", ["2001:db8::/32"], "ADDRESS_REFUSED"],
  ["192.0.2.7", ["2001:db8::/32"], "ADDRESS_REFUSED"],
  ["not an address", ["0.0.0.0/0"], "ADDRESS_REFUSED"],
  [null, ["0.0.0.0/0"], "ADDRESS_REFUSED"],
] as const)("K-5: from %s, a key for %j is answered %s", async (ip, allowedIps, outcome) => {
  const token = await rotor.home.tokenFor({ allowedIps: [...allowedIps] });
  expect(await codeOf(enter(token, { ip }))).toBe(outcome);
});

test("K-5: a key used from a refused address leaves one audit event and no more", async () => {
  const { token, id } = await buildKey(rotor.sql, rotor.home, { allowedIps: ["10.0.0.1"] });
  await codeOf(enter(token));
  const events =
    await rotor.sql`select event_type, actor_id, ip_address, metadata from audit_event where actor_id = ${id}`;
  expect(events.map((row) => ({ ...row }))).toEqual([
    {
      event_type: "access.denied",
      actor_id: id,
      ip_address: provenance.ip,
      metadata: { operation: "key", code: "ADDRESS_REFUSED" },
    },
  ]);
});

test("many requests at once, of good and bad keys, each get their own answer", async () => {
  const good = await Promise.all(Array.from({ length: 20 }, () => buildKey(rotor.sql, rotor.home, {})));
  const bad = await Promise.all([expired(), revoked(), wrongSecret()]);
  const tokens = [...good.map(({ token }) => token), ...bad];
  const order = Array.from({ length: 400 }, (_, index) => (index * 7) % tokens.length);
  const answers = await Promise.all(
    order.map((index) =>
      enter(tokens[index]).then(
        ({ actorId }) => actorId,
        (error: RotorError) => error.code,
      ),
    ),
  );
  expect(answers).toEqual(order.map((index) => good[index]?.id ?? "UNAUTHENTICATED"));
});

test("the last use of a key is recorded, at most once a minute", async () => {
  const { token, id } = await buildKey(rotor.sql, rotor.home, {});
  const lastUse = async () =>
    (await rotor.sql`select last_used_at as at from api_key where id = ${id}`)[0]?.at as Date | null;
  await enter(token);
  await expect.poll(lastUse).not.toBeNull();
  const first = await lastUse();
  await Promise.all([enter(token), enter(token, {}, peer)]);
  expect(await lastUse()).toEqual(first);
});
