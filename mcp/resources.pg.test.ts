// Resources, prompts, completion, and the stream of changes, as real clients of both eras meet them.

import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import type { ErrorBody, Json } from "@rotorsh/contract";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { promptTexts } from "./prompts.generated.ts";
import { rpc, send } from "./testing/raw.ts";
import { startTestServer, type TestServer } from "./testing/server.ts";

let server: TestServer;
let clients: Client[];
const eras = ["2026", "2025"] as const;

beforeAll(async () => {
  server = await startTestServer();
  clients = await Promise.all(
    [{ mode: { pin: "2026-07-28" } } as const, { mode: "legacy" } as const].map(
      async (versionNegotiation) => {
        const client = new Client({ name: "unit", version: "1" }, { versionNegotiation });
        const requestInit = { headers: { authorization: `Bearer ${server.adminKey}` } };
        await client.connect(
          new StreamableHTTPClientTransport(new URL(`${server.url}/mcp`), { requestInit }),
        );
        return client;
      },
    ),
  );
  for (const name of ["emails", "e-mail-digests", "reports"])
    await server.rest("/v1/queues", { method: "POST", body: { name } });
  const body = { id: "welcome", serve_url: "https://app.example.com/rotor", trigger_event: "user.created" };
  await server.rest("/v1/functions", { method: "POST", body });
});

afterAll(async () => {
  await Promise.all(clients.map((client) => client.close()));
  await server.close();
});

describe.each(eras.map((era, index) => [era, index] as const))("a client of %s", (_, index) => {
  const client = () => clients[index] as Client;

  test("reads a queue and a workflow by address, as REST shows them", async () => {
    for (const [uri, path] of [
      ["rotor://queues/emails", "/v1/queues/emails"],
      ["rotor://workflows/welcome", "/v1/functions/welcome"],
    ] as const) {
      const { contents } = await client().readResource({ uri });
      const [content] = contents as { uri: string; mimeType: string; text: string }[];
      expect(content).toMatchObject({ uri, mimeType: "application/json" });
      expect(JSON.parse(content?.text ?? "")).toEqual((await server.rest(path)).body);
    }
  });

  test("finds everything by following the list, and the templates of the rest", async () => {
    const uris: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await client().listResources(cursor === undefined ? {} : { cursor });
      uris.push(...page.resources.map(({ uri }) => uri));
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    expect(uris).toEqual(
      expect.arrayContaining([
        "rotor://workflows/welcome",
        "rotor://queues/emails",
        "rotor://queues/reports",
      ]),
    );
    const { resourceTemplates } = await client().listResourceTemplates();
    expect(resourceTemplates.map(({ uriTemplate }) => uriTemplate)).toEqual([
      "rotor://workflows/{id}",
      "rotor://queues/{name}",
      "rotor://runs/{id}",
    ]);
  });

  test.each([
    ["rotor://queues/emials", "There is no queue emials."],
    ["rotor://things/x", "There is no resource rotor://things/x; there are rotor://workflows/{id}"],
    ["file:///etc/passwd", "There is no resource"],
  ])("hears that %s is not there", async (uri, message) => {
    await expect(client().readResource({ uri })).rejects.toThrow(message);
  });

  test("completes a template's variable and a prompt's argument, best fit first", async () => {
    const uri = "rotor://queues/{name}";
    const ref = { type: "ref/resource" as const, uri };
    const byTemplate = await client().complete({ ref, argument: { name: "name", value: "e" } });
    expect(byTemplate.completion).toMatchObject({
      values: ["e-mail-digests", "emails", "reports"],
      total: 3,
    });
    const prompt = { type: "ref/prompt" as const, name: "write-workflow" };
    const byPrompt = await client().complete({ ref: prompt, argument: { name: "workflow", value: "" } });
    expect(byPrompt.completion.values).toEqual(["welcome"]);
  });

  test("is given a prompt with what it said in it, and with words for what it did not say", async () => {
    const { prompts } = await client().listPrompts();
    expect(prompts.map(({ name }) => name)).toEqual(promptTexts.map(({ name }) => name));
    const { messages } = await client().getPrompt({
      name: "migrate-cron",
      arguments: { cron: "0 2 * * * /bin/report" },
    });
    const [{ content }] = messages as unknown as [{ content: { text: string } }];
    const { text } = content;
    expect(text).toContain("0 2 * * * /bin/report");
    expect(text).not.toMatch(/\{\w+\}/);
  });

  test.each([
    [{ name: "debug-faild-run" }, "did you mean debug-failed-run?"],
    [{ name: "migrate-cron" }, "The prompt migrate-cron needs cron:"],
    [{ name: "design-queue", arguments: { work: "x", other: "y" } }, "takes work, queue and nothing else"],
  ])("hears what is wrong with the prompt %o", async (asked, message) => {
    await expect(client().getPrompt(asked)).rejects.toThrow(message);
  });
});

describe("a stream of changes", () => {
  async function open(uris: string[], key = server.adminKey) {
    const method = "subscriptions/listen";
    const _meta = {
      "io.modelcontextprotocol/protocolVersion": "2026-07-28",
      "io.modelcontextprotocol/clientCapabilities": {},
    };
    return send(
      {
        url: `${server.url}/mcp`,
        key,
        headers: { "mcp-protocol-version": "2026-07-28", "mcp-method": method },
      },
      { method, params: { _meta, notifications: { resourceSubscriptions: uris } } },
    );
  }

  /** What arrives on a `subscriptions/listen`. */
  async function listen(uris: string[], key = server.adminKey) {
    const response = await open(uris, key);
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    const messages: Json[] = [];
    const read = async () => {
      const decoder = new TextDecoder();
      for (let text = ""; ; ) {
        const { done, value } = await reader.read();
        if (done) return;
        text += decoder.decode(value, { stream: true });
        const frames = text.split("\n\n");
        text = frames.pop() ?? "";
        for (const frame of frames) {
          const data = /^data: (.*)$/m.exec(frame)?.[1];
          if (data) messages.push(JSON.parse(data) as Json);
        }
      }
    };
    let isOver = false;
    const reading = read()
      .catch(() => {})
      .finally(() => {
        isOver = true;
      });
    return {
      ended: () => isOver,
      updated: () =>
        messages
          .filter(({ method: name }) => name === "notifications/resources/updated")
          .map(({ params }) => (params as Json).uri),
      acknowledged: () => messages[0]?.method === "notifications/subscriptions/acknowledged",
      async close() {
        await reader.cancel();
        await reading;
      },
    };
  }

  test("tells of a queue that got a job, and of no other", async () => {
    const stream = await listen(["rotor://queues/emails", "rotor://queues/reports"]);
    await expect.poll(stream.acknowledged).toBe(true);
    await server.rest("/v1/queues/emails/jobs", { method: "POST", body: { delay: "1h" } });
    await expect.poll(stream.updated, { timeout: 15_000 }).toEqual(["rotor://queues/emails"]);
    await stream.close();
  });

  test("ends when its key is revoked", async () => {
    const post = { method: "POST", body: { label: "soon gone", role: "viewer" } };
    const { body } = await server.rest<{ id: string; key: string }>("/v1/api-keys", post);
    const stream = await listen(["rotor://queues/emails"], body.key);
    await expect.poll(stream.acknowledged).toBe(true);
    await server.rest(`/v1/api-keys/${body.id}`, { method: "DELETE" });
    await expect.poll(stream.ended, { timeout: 15_000 }).toBe(true);
  });

  test("is one of a hundred in a workspace, and no more", async () => {
    const uris = ["rotor://queues/emails"];
    const streams = await Promise.all(Array.from({ length: 100 }, () => listen(uris)));
    await expect.poll(() => streams.every((stream) => stream.acknowledged()), { timeout: 15_000 }).toBe(true);
    const refused = await open(uris);
    expect(refused.status).toBe(429);
    expect(((await refused.json()) as ErrorBody).error.code).toBe("TOO_MANY_STREAMS");
    await Promise.all(streams.map((stream) => stream.close()));
    const again = async () => {
      const response = await open(uris);
      await response.body?.cancel();
      return response.status;
    };
    await expect.poll(again, { timeout: 15_000 }).toBe(200);
  });

  test("tells nothing of another workspace's queue of the same name", async () => {
    const made = await fetch(`${server.url}/admin/workspaces`, {
      method: "POST",
      headers: { authorization: `Bearer ${server.adminToken}`, "content-type": "application/json" },
      body: JSON.stringify({ name: "other", owner_email: "o@example.com" }),
    });
    const { key } = (await made.json()) as { key: string };
    await server.rest("/v1/queues", { method: "POST", body: { name: "emails" }, key });
    const theirs = await listen(["rotor://queues/emails"], key);
    const ours = await listen(["rotor://queues/emails"]);
    await expect.poll(() => theirs.acknowledged() && ours.acknowledged()).toBe(true);
    await server.rest("/v1/queues/emails/jobs", { method: "POST", body: { delay: "1h" } });
    await expect.poll(ours.updated, { timeout: 15_000 }).toEqual(["rotor://queues/emails"]);
    expect(theirs.updated()).toEqual([]);
    await Promise.all([theirs.close(), ours.close()]);
  });
});

describe("a request that lacks something", () => {
  const wordsOfValidators = /invalid_type|ZodError|"expected"|Invalid input:|"code":\s*"invalid/;

  test.each([
    ["initialize", {}],
    ["initialize", { protocolVersion: 5 }],
    ["tools/call", {}],
    ["tools/call", { name: "queue_stats", arguments: [] }],
    ["tools/call", { name: 7 }],
    ["tools/list", { cursor: 5 }],
    ["resources/read", {}],
    ["prompts/get", { name: "design-queue", arguments: { work: 5 } }],
    ["completion/complete", { ref: { type: "ref/none" } }],
    ["logging/setLevel", { level: "loud" }],
    ["notifications/nothing", { a: 1 }],
    ["tasks/get", {}],
  ] as const)("%s with %o is answered in our words", async (method, params) => {
    const response = await send({ url: `${server.url}/mcp`, key: server.adminKey }, { method, params });
    const text = await response.text();
    expect(text).not.toMatch(wordsOfValidators);
    expect(text).toContain('"error"');
  });

  test.each(["tools/call", "resources/read", "tasks/get", "subscriptions/listen"])(
    "%s of the 2026 protocol too",
    async (method) => {
      const asked = { url: `${server.url}/mcp`, key: server.adminKey, method };
      for (const params of [{}, { _meta: { "io.modelcontextprotocol/protocolVersion": 5 } }]) {
        const { error } = await rpc({ ...asked, params });
        expect(JSON.stringify(error)).not.toMatch(wordsOfValidators);
      }
    },
  );
});

test("the trace of the agent's turn is the trace of the job", async () => {
  const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
  const { result } = await rpc({
    url: `${server.url}/mcp/x/jobs`,
    key: server.adminKey,
    method: "tools/call",
    params: {
      name: "enqueue_job",
      arguments: { name: "reports", delay: "1h" },
      _meta: { traceparent: `00-${traceId}-00f067aa0ba902b7-01` },
    },
  });
  const { id } = result.structuredContent as Json;
  const { body } = await server.rest<Json>(`/v1/queues/reports/jobs/${id}`);
  expect(body.enqueued_by).toMatchObject({ surface: "mcp", client: "raw/1", trace_id: traceId });
});
