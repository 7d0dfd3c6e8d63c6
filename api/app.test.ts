// E-1: what went wrong inside stays inside.

import type { Engine } from "@rotorsh/engine";
import { expect, test } from "vitest";
import { createApp } from "./app.ts";

test("E-1: a failure of our own is a 500 with the request's id, and says nothing of its cause", async () => {
  const cause = new Error("select hash from api_key at 10.1.2.3:5432");
  const logged: object[] = [];
  const log = { debug() {}, info() {}, warn() {}, error: (fields: object) => void logged.push(fields) };
  const engine = { authenticate: () => Promise.reject(cause) } as unknown as Engine;
  const app = createApp({ engine, version: "1", log });
  for (const path of ["/v1/whoami", "/mcp"]) {
    const response = await app.request(path, { method: "GET", headers: { "x-request-id": "req_e1" } });
    const text = await response.text();
    expect([response.status, JSON.parse(text).error]).toEqual([
      500,
      expect.objectContaining({ code: "INTERNAL", request_id: "req_e1" }),
    ]);
    expect(text).not.toMatch(/api_key|10\.1\.2\.3|\bat \/|\.ts/);
  }
  expect(logged).toEqual([
    { err: cause, requestId: "req_e1" },
    { err: cause, requestId: "req_e1" },
  ]);
});
