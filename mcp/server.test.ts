// What the adapter does with answers and failures, whoever performs the operation.

import { Client, InMemoryTransport } from "@modelcontextprotocol/client";
import { type Call, type Json, type NamedOperation, type Permission, RotorError } from "@rotorsh/contract";
import { describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { createConsents } from "./consents.ts";
import { toErrorResult, toResult } from "./results.ts";
import { createMcpServer, type ServerOptions } from "./server.ts";
import { createTools, type Tool } from "./tools.ts";

const common = { idempotent: true, needs: "develop", errors: [] } as const;
const thing = z.object({ id: z.string(), made_at: z.iso.datetime(), size: z.int() });

const operations: NamedOperation[] = [
  {
    noun: "oddThings",
    verb: "list",
    operation: {
      ...common,
      route: "GET /v1/odd-things",
      summary: "List things.",
      tools: { hosted: { name: "list_odd_things", toolset: "jobs" } },
      impact: "read",
      needs: "read",
      input: z.strictObject({ since: z.iso.datetime().optional(), limit: z.int().optional() }),
      output: z.object({ data: z.array(thing), nextCursor: z.string().nullable() }),
    },
  },
  {
    noun: "oddThings",
    verb: "delete",
    operation: {
      ...common,
      route: "DELETE /v1/odd-things/{id}",
      summary: "Delete a thing.",
      description: "For good.",
      synonyms: "remove erase",
      tools: { hosted: { name: "delete_odd_thing", toolset: "default" } },
      impact: "destroy",
      input: z.strictObject({ id: z.string(), dry_run: z.boolean().default(false) }),
      output: z.object({ deleted: z.boolean() }),
    },
  },
];

const all = createTools(operations, "hosted");
const consents = createConsents(Buffer.alloc(32), "somebody");

async function connect(call: Call, options: Partial<ServerOptions> = {}) {
  const [near, far] = InMemoryTransport.createLinkedPair();
  const callAs = vi.fn(() => call);
  const base = { version: "1", instructions: "", all, offered: all, callAs, consents };
  const server = createMcpServer({ ...base, ...options });
  await server.connect(far);
  const client = new Client({ name: "unit", version: "9" });
  await client.connect(near);
  const textOf = async (name: string, args: Json) => {
    const { content, isError } = await client.callTool({ name, arguments: args });
    const [block] = content as { text: string }[];
    return { isError, text: block?.text ?? "" };
  };
  return { client, callAs, textOf };
}

describe("a tool", () => {
  const [list, remove] = all.map(({ listed }) => listed);

  test("is described by the summary, then the description, and found by its synonyms", () => {
    expect(remove).toMatchObject({
      title: "Delete odd thing",
      description: "Delete a thing. For good.",
      _meta: { "anthropic/searchHint": "remove erase" },
    });
  });

  test("that destroys is confirmed, not dry-run", () => {
    expect(Object.keys(remove?.inputSchema.properties ?? {})).toEqual(["id", "confirm", "confirm_token"]);
    expect(remove?.annotations).toEqual({
      readOnlyHint: false,
      destructiveHint: true,
      idempotentHint: true,
      openWorldHint: false,
    });
  });

  test("spends no tokens on what says nothing", () => {
    const { response_format: _, ...properties } = list?.inputSchema.properties ?? {};
    expect(properties).toEqual({
      since: { type: "string", format: "date-time" },
      limit: { type: "integer" },
    });
  });

  test("that lists names its entries, in the schema as in the answer", async () => {
    const data = [{ id: "a", made_at: "2026-01-31T09:00:00.000Z", size: 1 }];
    const { client } = await connect(async () => ({ data, nextCursor: null }));
    await client.listTools();
    const { structuredContent } = await client.callTool({ name: "list_odd_things" });
    expect(structuredContent).toEqual({ odd_things: data, nextCursor: null });
    expect(Object.keys((list?.outputSchema?.properties ?? {}) as Json).slice(0, 2)).toEqual([
      "odd_things",
      "nextCursor",
    ]);
  });
});

describe("a failure", () => {
  test("of our own shows the request's id and nothing else", async () => {
    const onError = vi.fn();
    const cause = new Error("secret table name");
    const call = async () => Promise.reject(cause);
    const { textOf } = await connect(call, { onError, requestId: "req_1" });
    const { isError, text } = await textOf("list_odd_things", {});
    expect(isError).toBe(true);
    expect(text).not.toContain("secret");
    expect(JSON.parse(text.split("\n")[0] as string).error).toMatchObject({
      code: "INTERNAL",
      request_id: "req_1",
    });
    expect(onError).toHaveBeenCalledExactlyOnceWith(cause, "req_1");
  });

  test("without a request id gets one, the same in the answer and the report", async () => {
    const onError = vi.fn();
    const { textOf } = await connect(async () => Promise.reject(new Error("x")), { onError });
    const { text } = await textOf("list_odd_things", {});
    expect(text).toContain(onError.mock.calls[0]?.[1]);
  });

  test("that the caller can mend is not reported", async () => {
    const onError = vi.fn();
    const { textOf } = await connect(
      async () => Promise.reject(new RotorError("FORBIDDEN", { needs: "read" })),
      {
        onError,
      },
    );
    expect((await textOf("list_odd_things", {})).text).toContain("FORBIDDEN");
    expect(onError).not.toHaveBeenCalled();
  });

  test("that passes says how long to wait", async () => {
    const error = new RotorError("RATE_LIMITED", { limit: 60, retry_after_seconds: 7 });
    const { textOf } = await connect(async () => Promise.reject(error));
    expect((await textOf("list_odd_things", {})).text).toContain(
      "\nWait 7 seconds, then make the same call again.",
    );
  });
});

describe("a tool that destroys", () => {
  const [, { operation: remove }] = operations as [NamedOperation, NamedOperation];
  const signal = { signal: expect.any(AbortSignal) as AbortSignal };

  test("is previewed with a token first, and done by the call that is named then", async () => {
    const call = vi.fn(async () => ({ deleted: false }));
    const { textOf } = await connect(call);
    const { text } = await textOf("delete_odd_thing", { id: "a", confirm: false });
    const [, next] = /call delete_odd_thing with (\{.*\})\.$/.exec(text) as unknown as [string, string];
    expect(JSON.parse(next)).toEqual({ id: "a", confirm: true, confirm_token: expect.any(String) });
    await textOf("delete_odd_thing", JSON.parse(next) as Json);
    expect(call.mock.calls).toEqual([
      [remove, { id: "a", dry_run: true }, signal],
      [remove, { id: "a", dry_run: true }, signal],
      [remove, { id: "a" }, signal],
    ]);
  });

  test.each([
    ["of another call", { id: "b" }, 1],
    ["when there is more than was seen", { id: "a" }, 2],
  ])("refuses a token %s", async (_, args, things) => {
    let jobs = 1;
    const call = vi.fn(async () => ({ deleted: false, jobs }));
    const { textOf } = await connect(call);
    const { text } = await textOf("delete_odd_thing", { id: "a" });
    const { confirm_token } = JSON.parse(text.split("\n")[0] as string).error.details;
    jobs = things;
    const refused = await textOf("delete_odd_thing", { ...args, confirm: true, confirm_token });
    expect(refused.text).toContain("CONFIRMATION_STALE");
    expect(call).not.toHaveBeenCalledWith(remove, args, signal);
  });

  test("takes no confirm without a token", async () => {
    const { textOf } = await connect(async () => ({ deleted: false }));
    expect((await textOf("delete_odd_thing", { id: "a", confirm: true })).text).toContain(
      "CONFIRMATION_REQUIRED",
    );
  });

  test.each([
    [{ id: "a", confrim: true }, "did you mean confirm?"],
    [{ id: "a", confirm: "yes" }, "confirm must be a boolean, and a string was sent"],
    [{ confirm: true }, "id is required"],
    [{ id: "a", dry_run: true, confirm: true }, "dry_run is not a known field"],
  ])("%o is refused: %s", async (args, problem) => {
    const call = vi.fn(async () => ({ deleted: true }));
    const { textOf } = await connect(call);
    expect((await textOf("delete_odd_thing", args)).text).toContain(problem);
    expect(call).not.toHaveBeenCalled();
  });
});

test("an answer that was cut says where all of it is, also when it was no read", () => {
  const [, remove] = all as [Tool, Tool];
  const tool = {
    ...remove,
    operation: { ...remove.operation, impact: "write" as const },
    answers: { type: "object", properties: { run_id: { type: "string" }, output: { type: "string" } } },
  };
  const body = { run_id: "run_1", output: "x".repeat(30_000) };
  const { structuredContent } = toResult({ tool, sent: {}, body, usable: () => undefined });
  expect((structuredContent as Json).truncated).toEqual({
    fields: ["output"],
    rest: "GET /v1/runs/run_1 over REST, or the CLI, shows all of it.",
  });
});

describe("what was probably meant", () => {
  const lesson = async (sent: Json) => {
    const { textOf } = await connect(async () => ({}));
    return (await textOf("list_odd_things", sent)).text;
  };

  test("is a call ready to be made, when each field or value has a nearest one", async () => {
    expect(await lesson({ limt: 5, response_format: "detialed" })).toContain(
      'Probably meant: call list_odd_things with {"response_format":"detailed","limit":5}.',
    );
  });

  test("counts what is missing as said, where its name was nearly right", async () => {
    const { textOf } = await connect(async () => ({}));
    const { text } = await textOf("delete_odd_thing", { idd: "a", confrim: true });
    expect(text).toContain('Probably meant: call delete_odd_thing with {"id":"a","confirm":true}.');
    expect((await textOf("delete_odd_thing", { confrim: true })).text).not.toContain("Probably meant");
  });

  test.each([{ limit: "x" }, { colour: "red" }, { limit: 1, limt: 2 }, { limt: 2, colour: "red" }])(
    "is not guessed for %o",
    async (sent) => {
      expect(await lesson(sent)).not.toContain("Probably meant");
    },
  );

  test("is told by what is different when the call is long", () => {
    const [tool] = all as [Tool];
    const sent = { name: "emial", payload: "x".repeat(9000) };
    const error = new RotorError("QUEUE_NOT_FOUND", { name: "emial", nearest: "email" });
    const { content } = toErrorResult({ tool, sent, error, requestId: "req_1", all, offered: all });
    expect((content[0] as { text: string }).text).toContain(
      'Then call list_odd_things with the same arguments and name: "email".',
    );
  });
});

test("a missing thing points to the address that lists such things, if this one does not", async () => {
  const offered = all.filter(({ name }) => name === "delete_odd_thing");
  const error = new RotorError("QUEUE_NOT_FOUND", { name: "x" });
  const { textOf } = await connect(async () => Promise.reject(error), {
    offered,
    all: all.map((tool) => ({ ...tool, listName: tool.listName && "queues" })),
  });
  const { text } = await textOf("delete_odd_thing", { id: "x" });
  expect(text).toContain("list_odd_things would list them; it is offered at /mcp/x/jobs.");
});

test("what the permissions do not allow is not listed, and without permissions everything is", async () => {
  const permissions = new Set<Permission>(["read"]);
  const names = async (options: Partial<ServerOptions>) => {
    const { client } = await connect(async () => ({}), options);
    return (await client.listTools()).tools.map(({ name }) => name);
  };
  expect(await names({ permissions })).toEqual(["list_odd_things"]);
  expect(await names({})).toEqual(["list_odd_things", "delete_odd_thing"]);
});

test("the caller's program is known from where the connection began", async () => {
  const { callAs, textOf } = await connect(async () => ({ deleted: true }));
  await textOf("delete_odd_thing", { id: "a", confirm: true });
  expect(callAs).toHaveBeenCalledWith({ client: "unit/9", traceparent: null });
});
