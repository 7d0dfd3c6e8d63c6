// The command line against the real server: how mistakes are told, and what is written by hand.

import { beforeAll, describe, expect, test } from "vitest";
import { againstServer } from "./testing/against-server.ts";

const { server, run, json } = againstServer();

describe("mistakes", () => {
  beforeAll(async () => {
    await run(["queues", "create", "taken"]);
  });

  test("are told in a person's words on stderr, with the request to ask about", async () => {
    expect(await run(["queues", "get", "missing"])).toEqual({
      exitCode: 3,
      stdout: "",
      stderr: expect.stringMatching(
        /^✗ There is no queue missing\.\n→ List the queues to see their names\.\n {2}request id: req_\w+\n$/,
      ),
    });
  });

  test("are JSON on stdout where JSON was asked for", async () => {
    const { exitCode, stdout, stderr } = await run(["queues", "get", "missing", "--json"]);
    expect([exitCode, stderr]).toEqual([3, ""]);
    expect(JSON.parse(stdout).error).toMatchObject({ code: "QUEUE_NOT_FOUND", details: { name: "missing" } });
    const usage = await run(["queues", "get", "--json"]);
    expect([usage.exitCode, JSON.parse(usage.stdout).error.code]).toEqual([2, "INVALID_INPUT"]);
  });

  test.each([
    [["queues", "create", "--concurrency", "0"], 2, "--concurrency must be at least 1."],
    [["queues", "create", "a", "--backoff", '{"typ":"fixed"}'], 2, "did you mean type?"],
    [["queues", "create", "a", "b"], 2, "`b` is one argument too many."],
    [["queues", "create", "taken"], 5, "A queue taken exists already."],
    [["queues", "list", "--api-key", "rt_ws_wrong"], 4, "No valid API key was sent."],
    [["queues", "list", "--url", "rotor.test"], 2, "url must be an http or https URL"],
    [["admin", "list-workspaces", "--admin-token", "wrong"], 4, "No valid API key was sent."],
    [["api", "GET", "/v1/nothing"], 3, "There is nothing at this address."],
    [["api", "https://evil.test/v1/queues"], 2, "The path must begin with /"],
    [["status", "--watch", "--interval", "0"], 2, "--interval must be a number of seconds"],
    [["nonsense"], 2, "There is no command `rotor nonsense`."],
  ])("%j ends with %i", async (argv, exitCode, words) => {
    const outcome = await run(argv);
    expect(outcome).toMatchObject({ exitCode, stdout: "", stderr: expect.stringContaining(words) });
  });

  test("--quiet lets errors through, and nothing else", async () => {
    expect(await run(["queues", "list", "--quiet"])).toEqual({ exitCode: 0, stdout: "", stderr: "" });
    expect((await run(["queues", "get", "missing", "--quiet"])).stderr).toContain(
      "There is no queue missing.",
    );
  });
});

test("the operator's commands use the operator's token", async () => {
  const { exitCode, stdout } = await run(["admin", "list-workspaces"], {
    env: { ROTOR_API_KEY: undefined, ROTOR_ADMIN_TOKEN: server().adminToken },
  });
  expect([exitCode, stdout]).toEqual([0, expect.stringContaining("ws_default")]);
});

test("status is shown once, or watched until Ctrl-C", async () => {
  expect((await run(["status"])).stdout).toMatch(/^API: ok\nDatabase: ok\nBroker: ok\nRedis: \w+\nVersion: /);
  const signal = AbortSignal.timeout(300);
  const watched = await run(["status", "--watch", "--interval", "0.05", "--json"], { signal });
  const lines = watched.stdout.trimEnd().split("\n");
  expect(watched.exitCode).toBe(130);
  expect(lines.length).toBeGreaterThan(1);
  for (const line of lines) expect(JSON.parse(line)).toMatchObject({ api: "ok" });
});

test("any request can be sent as it is", async () => {
  const created = await run(["api", "POST", "/v1/queues", "--data", '{"name":"by-api"}']);
  expect(JSON.parse(created.stdout)).toMatchObject({ name: "by-api" });
  const listed = await run(["api", "/v1/queues?limit=200"]);
  expect(JSON.parse(listed.stdout).data.map(({ name }: { name: string }) => name)).toContain("by-api");
  expect((await run(["api", "DELETE", "/v1/queues/by-api"])).exitCode).toBe(0);
});

test("a repeated write with its idempotency key answers what the first one answered", async () => {
  const argv = ["api-keys", "create", "ci", "--idempotency-key", "once", "--json"];
  const [first, second] = [await run(argv), await run(argv)];
  expect(second.stdout).toBe(first.stdout);
});

test("the audit trail knows that it was the command line", async () => {
  await run(["queues", "create", "traced"]);
  const { data } = await json("audit", "list", "--resource-id", "traced");
  expect(data).toMatchObject([{ surface: "cli", client: "cli/0.1.0" }]);
});
