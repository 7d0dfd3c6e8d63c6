import type { ApiKey, Queue } from "@rotorsh/contract";
import { afterEach, beforeEach, expect, expectTypeOf, test, vi } from "vitest";
import { Rotor } from "./rotor.ts";

type Sent = { method: string; path: string; body: unknown; token: string | null };

let sent: Sent[] = [];
let replies: object[] = [];

const fetch = (async (url: URL, init: RequestInit) => {
  sent.push({
    method: String(init.method),
    path: url.pathname + url.search,
    body: init.body && JSON.parse(String(init.body)),
    token: new Headers(init.headers).get("authorization"),
  });
  return Response.json(replies.shift() ?? {});
}) as unknown as typeof globalThis.fetch;

const rotor = new Rotor({ apiKey: "rt_ws_x", url: "http://rotor.test", adminToken: "operator", fetch });

beforeEach(() => {
  sent = [];
  replies = [];
});

afterEach(() => vi.unstubAllEnvs());

const request = (method: string, path: string, body?: unknown) => ({
  method,
  path,
  body,
  token: "Bearer rt_ws_x",
});

test("arguments come first by position, and the last one names the rest", async () => {
  await rotor.queues.get("outreach");
  await rotor.queues.update("outreach", { concurrency: 5 });
  await rotor.queues.setState("outreach", "paused");
  await rotor.apiKeys.create("claude-code", { role: "viewer" });
  expect(sent).toEqual([
    request("GET", "/v1/queues/outreach"),
    request("PATCH", "/v1/queues/outreach", { concurrency: 5 }),
    request("PUT", "/v1/queues/outreach/state", { state: "paused" }),
    request("POST", "/v1/api-keys", { label: "claude-code", role: "viewer" }),
  ]);
});

test("in strict mode every new job is strict, unless it says otherwise", async () => {
  const options = { apiKey: "rt_ws_x", url: "http://rotor.test", fetch, strictIdempotency: true };
  const strict = new Rotor(options);
  await strict.jobs.enqueue("q", { jobId: "a" });
  await strict.jobs.addBatch("q", [{ jobId: "b" }, { jobId: "c", strict: false }]);
  await strict.queues.pause("q");
  expect(sent.map(({ body }) => body)).toEqual([
    { jobId: "a", strict: true },
    {
      jobs: [
        { jobId: "b", strict: true },
        { jobId: "c", strict: false },
      ],
    },
    {},
  ]);
});

test("one object names everything", async () => {
  await rotor.queues.create({ name: "outreach", retry_attempts: 3 });
  await rotor.queues.update({ name: "outreach", concurrency: 5 });
  await rotor.audit.list({ event_type: "queue." });
  await rotor.status.get();
  expect(sent).toEqual([
    request("POST", "/v1/queues", { name: "outreach", retry_attempts: 3 }),
    request("PATCH", "/v1/queues/outreach", { concurrency: 5 }),
    request("GET", "/v1/audit?event_type=queue."),
    request("GET", "/v1/status"),
  ]);
});

test("a missing argument is refused before anything is sent: INVALID_INPUT", async () => {
  const get = rotor.queues.get as unknown as () => Promise<unknown>;
  await expect(get()).rejects.toMatchObject({ code: "INVALID_INPUT" });
  expect(sent).toEqual([]);
});

test("operations of the operator carry the operator's token", async () => {
  await rotor.admin.listWorkspaces();
  expect(sent[0]?.token).toBe("Bearer operator");
});

test("a list can be walked to its end", async () => {
  replies = [
    { data: [{ name: "a" }, { name: "b" }], nextCursor: "2" },
    { data: [{ name: "c" }], nextCursor: null },
  ];
  const names: string[] = [];
  for await (const queue of rotor.queues.list.all({ limit: 2 })) names.push(queue.name);
  expect(names).toEqual(["a", "b", "c"]);
  expect(sent.map(({ path }) => path)).toEqual(["/v1/queues?limit=2", "/v1/queues?limit=2&cursor=2"]);
});

test("a walk that is left early fetches no further page", async () => {
  replies = [{ data: [{ name: "a" }], nextCursor: "2" }];
  for await (const _queue of rotor.queues.list.all()) break;
  expect(sent).toHaveLength(1);
});

test("key and URL come from the environment unless they are passed", async () => {
  vi.stubEnv("ROTOR_API_KEY", "rt_ws_env");
  vi.stubEnv("ROTOR_API_URL", "http://env.test/base");
  await new Rotor({ fetch }).whoami.get();
  expect(sent[0]).toMatchObject({ path: "/base/v1/whoami", token: "Bearer rt_ws_env" });
});

test("without a key the call says what to set: UNAUTHENTICATED", async () => {
  vi.stubEnv("ROTOR_API_KEY", "");
  vi.stubEnv("ROTOR_ADMIN_TOKEN", "");
  const keyless = new Rotor({ fetch });
  await expect(keyless.queues.list()).rejects.toMatchObject({
    code: "UNAUTHENTICATED",
    hint: expect.stringContaining("ROTOR_API_KEY"),
  });
  await expect(keyless.admin.listWorkspaces()).rejects.toMatchObject({
    hint: expect.stringContaining("ROTOR_ADMIN_TOKEN"),
  });
});

test("types: arguments and answers follow the contract", () => {
  expectTypeOf(rotor.queues.get).returns.resolves.toEqualTypeOf<Queue>();
  expectTypeOf(rotor.queues.list).returns.resolves.toEqualTypeOf<{
    data: Queue[];
    nextCursor: string | null;
  }>();
  expectTypeOf(rotor.apiKeys.list.all).returns.toEqualTypeOf<AsyncGenerator<ApiKey, void, undefined>>();
  expectTypeOf(rotor.audit.list).toBeCallableWith();
  expectTypeOf(rotor.workspaces.update).toBeCallableWith("ws_a", { name: "b" });
  // Never called: these lines are for the compiler.
  const wrong = () => [
    // @ts-expect-error a queue has a name
    rotor.queues.get(),
    // @ts-expect-error the name is text
    rotor.queues.get(5),
    // @ts-expect-error a wrong field is seen
    rotor.queues.update("outreach", { concurency: 5 }),
    // @ts-expect-error renaming needs the new name
    rotor.workspaces.update("ws_a"),
    // @ts-expect-error a walk keeps its own cursor
    rotor.queues.list.all({ cursor: "2" }),
    // @ts-expect-error only lists can be walked
    rotor.queues.get.all("outreach"),
    // @ts-expect-error there is no such verb
    rotor.queues.explode("outreach"),
  ];
  expectTypeOf(wrong).toBeFunction();
});

test("a schedule's history is asked for by runs(id).list(), or in one", async () => {
  await rotor.schedules.runs("sched_1").list({ limit: 20 });
  await rotor.schedules.runs("sched_1", { limit: 20 });
  await rotor.schedules.runs({ id: "sched_1" });
  // Not awaited: not asked.
  rotor.schedules.runs("sched_2");
  replies = [{ jobId: "job_1" }];
  expect(await rotor.schedules.fireNow("sched_1")).toEqual({ jobId: "job_1" });
  await rotor.schedules.update("sched_1", { enabled: false });
  expect(sent).toEqual([
    request("GET", "/v1/schedules/sched_1/runs?limit=20", undefined),
    request("GET", "/v1/schedules/sched_1/runs?limit=20", undefined),
    request("GET", "/v1/schedules/sched_1/runs", undefined),
    request("POST", "/v1/schedules/sched_1/fire-now", {}),
    request("PATCH", "/v1/schedules/sched_1", { enabled: false }),
  ]);
});
