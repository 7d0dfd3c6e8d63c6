// What an app answers to requests of the server, and to those of others.

import { createHmac } from "node:crypto";
import { gzipSync } from "node:zlib";
import type { DriveRequest } from "@rotorsh/contract";
import { afterEach, expect, test, vi } from "vitest";
import { createFunction, serveWorkflow, workflowHandler } from "../index.ts";

const signingKey = "the signing key of a workspace";
const greet = createFunction({ id: "greet", trigger: { event: "greet" } }, async ({ event, step }) =>
  step.run("greet", () => `hello ${event.data.name}`),
);
const handle = workflowHandler({ functions: [greet], signingKey, sync: false });
const url = "https://app.example.com/api/rotor";

afterEach(() => vi.unstubAllEnvs());

const drive = (workflow = "greet"): DriveRequest => ({
  v: 1,
  run: { id: "run_1", workflow, attempt: 1 },
  event: { id: "evt_1", name: "greet", data: { name: "Ada" }, ts: 0 },
  steps: {},
  attempts: {},
  checkpoint: null,
  budgetMs: 10_000,
});

type Changed = {
  key?: string;
  ageSeconds?: number;
  sent?: string | Uint8Array<ArrayBuffer>;
  headers?: object;
};

async function post(body: string | Uint8Array<ArrayBuffer>, changed: Changed = {}, handler = handle) {
  const { key = signingKey, ageSeconds = 0, sent = body, headers = {} } = changed;
  const timestamp = String(Math.floor(Date.now() / 1000) - ageSeconds);
  const signature = createHmac("sha256", key).update(`run_1.${timestamp}.`).update(body).digest("base64");
  const signed = {
    "x-rotor-run-id": "run_1",
    "x-rotor-timestamp": timestamp,
    "x-rotor-signature": `v1,of-another-key v1,${signature}`,
    ...headers,
  };
  const response = await handler(new Request(url, { method: "POST", body: sent, headers: signed }));
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

test("a signed request drives the run, also while the key rotates, and gzipped", async () => {
  const text = JSON.stringify(drive());
  const done = { status: 200, body: { state: "completed", output: "hello Ada" } };
  const answered = await post(text);
  expect(answered).toMatchObject(done);
  const headers = { "content-encoding": "gzip" };
  expect(await post(new Uint8Array(gzipSync(text)), { headers })).toMatchObject(done);
});

test.each<[string, string, Changed, number, string]>([
  ["signed by another key", JSON.stringify(drive()), { key: "another" }, 401, "does not fit"],
  [
    "changed on its way",
    JSON.stringify(drive()),
    { sent: `${JSON.stringify(drive())} ` },
    401,
    "does not fit",
  ],
  ["of ten minutes ago", JSON.stringify(drive()), { ageSeconds: 600 }, 401, "older than 5 minutes"],
  [
    "without a signature",
    JSON.stringify(drive()),
    { headers: { "x-rotor-signature": "" } },
    401,
    "not signed",
  ],
  ["that is half", '{"v":1,"run"', {}, 400, "not JSON"],
  ["that is no gzip", "text", { headers: { "content-encoding": "gzip" } }, 400, "cannot be unpacked"],
  ["of a newer server", '{"v":2,"run":{"id":"run_1"}}', {}, 400, "newer"],
  ["for a workflow it does not serve", JSON.stringify(drive("other")), {}, 404, 'no workflow "other"'],
])("a request %s is refused with a reason", async (_, body, changed, status, said) => {
  const answer = await post(body, changed);
  expect(answer).toMatchObject({ status, body: { error: { message: expect.stringContaining(said) } } });
});

test("an app without a signing key drives nothing", async () => {
  vi.stubEnv("ROTOR_SIGNING_KEY", "");
  const bare = workflowHandler({ functions: [greet], sync: false });
  expect(await post(JSON.stringify(drive()), {}, bare)).toMatchObject({
    status: 500,
    body: { error: { message: expect.stringContaining("ROTOR_SIGNING_KEY") } },
  });
});

test("only who has the app's own key makes it register, so that a forged host leads nowhere", async () => {
  vi.stubEnv("ROTOR_API_KEY", "rt_ws_own");
  const served = workflowHandler({ functions: [greet], signingKey, sync: false });
  for (const authorization of ["", "Bearer rt_ws_other"]) {
    const response = await served(new Request(url, { method: "PUT", headers: { authorization } }));
    expect(response.status).toBe(401);
  }
  expect((await served(new Request(url))).status).toBe(200);
  expect((await served(new Request(url, { method: "DELETE" }))).status).toBe(405);
});

test("what cannot be served is said when the app starts", () => {
  expect(() => workflowHandler({ functions: [greet, greet] })).toThrow('Two workflows have the id "greet"');
  expect(() => serveWorkflow({} as never, { functions: [] })).toThrow("takes a Hono, Express or Fastify app");
});
