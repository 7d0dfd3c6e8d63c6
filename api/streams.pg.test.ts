// A run followed over HTTP: as a browser does it, as the SDK does it, and on the command line.

import { Rotor } from "@rotorsh/sdk";
import { afterAll, beforeAll, expect, test } from "vitest";
import { rotor as cli } from "../cli/testing/terminal.ts";
import { startTestServer, type TestServer } from "../mcp/testing/server.ts";

let server: TestServer;
let rotor: Rotor;

beforeAll(async () => {
  server = await startTestServer();
  rotor = new Rotor({ url: server.url, apiKey: server.adminKey });
  // Nobody listens there, so that its runs stay under way until somebody ends them.
  await rotor.functions.register("idle", { serve_url: "http://127.0.0.1:50999/", trigger_event: "idle" });
});

afterAll(() => server?.close());

const start = async () => (await rotor.functions.trigger({ id: "idle" })).run_id as string;

const open = (id: string, headers: Record<string, string> = {}, query = "") =>
  fetch(`${server.url}/v1/runs/${id}/events${query}`, {
    headers: { authorization: `Bearer ${server.adminKey}`, ...headers },
  });

type Told = { id: string; event: string; data: { run: { status: string } } };

function parse(text: string): Told[] {
  return text.split("\n\n").flatMap((block) => {
    const field = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(block)?.[1];
    const data = field("data");
    return data
      ? [{ id: field("id") as string, event: field("event") as string, data: JSON.parse(data) }]
      : [];
  });
}

test("the stream tells the run as it is, then its end, and closes; who comes again gets what is new, or 204", async () => {
  const id = await start();
  const response = await open(id);
  expect(response.headers.get("content-type")).toMatch(/^text\/event-stream/);
  expect(response.headers.get("x-accel-buffering")).toBe("no");
  const reading = response.text();
  await rotor.runs.cancel(id);
  const told = parse(await reading);
  expect(told.at(-1)).toMatchObject({ event: "run", data: { run: { id, status: "cancelled" } } });
  const [first, last] = [told[0] as Told, told.at(-1) as Told];
  const resumed = parse(await (await open(id, { "last-event-id": first.id })).text());
  expect(resumed.at(-1)?.data.run.status).toBe("cancelled");
  expect((await open(id, { "last-event-id": last.id })).status).toBe(204);
  expect((await open(id, {}, `?cursor=${last.id}`)).status).toBe(204);
});

test("who may not follow is told so before the first event", async () => {
  const id = await start();
  expect((await fetch(`${server.url}/v1/runs/${id}/events`)).status).toBe(401);
  expect((await open("run_unknown")).status).toBe(404);
  for (const snapshot of ["nonsense", "1:0:", "5:9:7,6", "5:9:99", `${2 ** 60}:${2 ** 60}:`, "0:0:"]) {
    const cursor = Buffer.from(JSON.stringify([snapshot])).toString("base64url");
    expect([snapshot, (await open(id, { "last-event-id": cursor })).status]).toEqual([snapshot, 422]);
  }
  expect((await open(id, {}, "?colour=red")).status).toBe(422);
  const posted = await fetch(`${server.url}/v1/runs/${id}/events`, { method: "POST" });
  expect([posted.status, posted.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
  await rotor.runs.cancel(id);
});

test("a key that is revoked ends its streams, and is told why when it comes again", async () => {
  const id = await start();
  const { id: keyId, key } = await rotor.apiKeys.create({ label: "leaving", role: "viewer" });
  const headers = { authorization: `Bearer ${key}` };
  const reading = (await open(id, headers)).text();
  await rotor.apiKeys.revoke(keyId);
  expect(parse(await reading).at(-1)?.data.run.status).not.toBe("cancelled");
  expect((await open(id, headers)).status).toBe(401);
  await rotor.runs.cancel(id);
});

test("a workspace has 100 streams at once, and gets them back when clients go", async () => {
  const id = await start();
  const going = new AbortController();
  const headers = { authorization: `Bearer ${server.adminKey}` };
  const url = `${server.url}/v1/runs/${id}/events`;
  const many = await Promise.all(
    Array.from({ length: 100 }, () => fetch(url, { headers, signal: going.signal })),
  );
  expect(new Set(many.map(({ status }) => status))).toEqual(new Set([200]));
  const refused = await open(id);
  expect(refused.status).toBe(429);
  expect(await refused.json()).toMatchObject({ error: { code: "TOO_MANY_STREAMS" } });
  going.abort();
  await expect.poll(async () => (await fetch(url, { method: "HEAD", headers })).status).toBe(200);
  await expect
    .poll(async () => {
      const response = await open(id);
      await response.body?.cancel();
      return response.status;
    })
    .toBe(200);
  await rotor.runs.cancel(id);
});

test("the SDK follows a run to its end, over connections that are cut", async () => {
  const id = await start();
  let cuts = 0;
  const cutting: typeof fetch = async (input, init) => {
    const response = await fetch(input, init);
    if (!response.body || cuts++ > 1) return response;
    const [head, rest] = response.body.tee();
    void rest.cancel();
    const reader = head.getReader();
    return new Response(
      new ReadableStream({
        async pull(controller) {
          const { done, value } = await reader.read();
          if (!done) controller.enqueue(value);
          controller.error(new Error("cut"));
          await reader.cancel();
        },
      }),
      { headers: response.headers },
    );
  };
  const statuses: string[] = [];
  const client = new Rotor({ url: server.url, apiKey: server.adminKey, fetch: cutting });
  for await (const { run } of client.runs.stream(id)) {
    statuses.push(run.status);
    if (statuses.length === 1) await rotor.runs.cancel(id);
  }
  expect(statuses.at(-1)).toBe("cancelled");
  expect(cuts).toBeGreaterThan(1);
});

test("`rotor runs watch` ends with the run, and says by its exit code how", async () => {
  const id = await start();
  const env = { ROTOR_API_URL: server.url, ROTOR_API_KEY: server.adminKey };
  const watching = cli(["runs", "watch", id, "--json"], { env });
  await rotor.runs.cancel(id);
  const { stdout, exitCode } = await watching;
  expect(JSON.parse(stdout.trim().split("\n").at(-1) as string)).toMatchObject({
    run: { id, status: "cancelled" },
  });
  expect(exitCode).toBe(9);
  expect((await cli(["runs", "watch", id], { env })).stdout).toMatch(/cancelled +run/);
});
