// T-5: what is taken from a key or its member counts with the next request, in every process.

import { contract } from "@rotorsh/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Engine } from "./engine.ts";
import { buildKey, call, codeOf, provenance, startTestEngine, type TestEngine } from "./testing/index.ts";

let rotor: TestEngine;
let peer: Engine;

beforeAll(async () => {
  rotor = await startTestEngine();
  peer = await rotor.startPeer();
});

afterAll(() => rotor.stop());

const enter = (token: string, engine = rotor.engine) => engine.authenticate({ token }, provenance);

const changes: [string, (key: { id: string; memberId: string | null }) => Promise<unknown>, string][] = [
  [
    "whose member became a viewer",
    ({ memberId }) =>
      call(rotor.engine, rotor.home.admin, contract.members.update, {
        id: memberId as string,
        role: "viewer",
      }),
    "FORBIDDEN",
  ],
  [
    "whose member was removed",
    ({ memberId }) =>
      call(rotor.engine, rotor.home.admin, contract.members.remove, { id: memberId as string }),
    "FORBIDDEN",
  ],
  [
    "whose member was disabled",
    ({ memberId }) =>
      call(rotor.engine, rotor.home.admin, contract.members.update, {
        id: memberId as string,
        status: "disabled",
      }),
    "UNAUTHENTICATED",
  ],
  [
    "that was revoked",
    ({ id }) => call(rotor.engine, rotor.home.admin, contract.apiKeys.revoke, { id }),
    "UNAUTHENTICATED",
  ],
  [
    "that was rotated",
    ({ id }) => call(rotor.engine, rotor.home.admin, contract.apiKeys.rotate, { id }),
    "UNAUTHENTICATED",
  ],
];

test.each(changes)(
  "T-5: a key %s is refused from the next request on, by every process",
  async (_, change, code) => {
    const key = await buildKey(rotor.sql, rotor.home, { role: "developer" });
    const use = async (engine: Engine) => {
      const caller = await enter(key.token, engine);
      return call(engine, caller, contract.queues.upsert, { name: "t5" });
    };
    expect([await codeOf(use(rotor.engine)), await codeOf(use(peer))]).toEqual(["ok", "ok"]);
    await change(key);
    expect([await codeOf(use(rotor.engine)), await codeOf(use(peer))]).toEqual([code, code]);
  },
);

test("a rotated key goes on working for its grace period, and no longer", async () => {
  const key = await buildKey(rotor.sql, rotor.home, { role: "developer" });
  const input = { id: key.id, grace_seconds: 3600 };
  const renewed = await call(rotor.engine, rotor.home.admin, contract.apiKeys.rotate, input);
  expect([await codeOf(enter(key.token)), await codeOf(enter(renewed.key))]).toEqual(["ok", "ok"]);
  await rotor.moveClock("61 minutes");
  expect([await codeOf(enter(key.token)), await codeOf(enter(renewed.key))]).toEqual([
    "UNAUTHENTICATED",
    "ok",
  ]);
});
