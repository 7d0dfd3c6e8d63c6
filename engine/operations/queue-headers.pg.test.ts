// The extra headers of a queue: sealed, shown masked, and what is shown can be sent back.

import { contract } from "@rotorsh/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import { call, codeOf, startTestEngine, type TestEngine } from "../testing/index.ts";

let rotor: TestEngine;
const { create, get, update } = contract.queues;

beforeAll(async () => {
  rotor = await startTestEngine();
});

afterAll(() => rotor.stop());

async function storedHeaders(name: string): Promise<Record<string, string>> {
  const [row] = await rotor.sql`select callback_headers from queue where name = ${name}`;
  return row?.callback_headers;
}

test("a header's value is stored sealed and shown masked", async () => {
  const headers = { "X-Token": "hush" };
  await call(rotor.engine, rotor.home.admin, create, { name: "a", callback_headers: headers });
  expect((await call(rotor.engine, rotor.home.admin, get, { name: "a" })).callback_headers).toEqual({
    "X-Token": "***",
  });
  expect((await storedHeaders("a"))["X-Token"]).toMatch(/^v1\./);
});

test("headers sent back as they were shown keep their values; new ones are added, missing ones go", async () => {
  const headers = { "X-One": "1", "X-Two": "2" };
  await call(rotor.engine, rotor.home.admin, create, { name: "b", callback_headers: headers });
  const before = await storedHeaders("b");
  const callback_headers = { "X-One": "***", "X-Three": "3" };
  await call(rotor.engine, rotor.home.admin, update, { name: "b", callback_headers });
  const after = await storedHeaders("b");
  expect(Object.keys(after)).toEqual(["X-One", "X-Three"]);
  expect(after["X-One"]).toBe(before["X-One"]);
});

test("the same headers again change nothing, and a mask without a value to keep is refused", async () => {
  const headers = { "X-One": "1" };
  await call(rotor.engine, rotor.home.admin, create, { name: "c", callback_headers: headers });
  const { updated_at: before } = await call(rotor.engine, rotor.home.admin, get, { name: "c" });
  const again = await call(rotor.engine, rotor.home.admin, update, { name: "c", callback_headers: headers });
  expect(again.updated_at).toBe(before);
  const masked = { name: "c", callback_headers: { "X-New": "***" } };
  expect(await codeOf(call(rotor.engine, rotor.home.admin, update, masked))).toBe("INVALID_INPUT");
});

test("a header named twice, with other capitals, is refused: one of them would be lost on the way", async () => {
  const twice = { name: "d", callback_headers: { "X-One": "1", "x-one": "2" } };
  expect(await codeOf(call(rotor.engine, rotor.home.admin, create, twice))).toBe("INVALID_INPUT");
});
