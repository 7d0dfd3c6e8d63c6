// The command line against the real server: what a person types, what they see, how it ends.

import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestServer, type TestServer } from "../mcp/testing/server.ts";
import { rotor, type Session } from "./testing/terminal.ts";

let server: TestServer;
let folder: string;

beforeAll(async () => {
  server = await startTestServer();
  folder = mkdtempSync(join(tmpdir(), "rotor-cli-"));
});

afterAll(async () => {
  await server?.close();
  rmSync(folder, { recursive: true });
});

const env = (more: Session["env"] = {}) => ({
  ROTOR_API_URL: server.url,
  ROTOR_API_KEY: server.adminKey,
  ROTOR_CONFIG_DIR: join(folder, "none"),
  ...more,
});

const run = (argv: string[], session: Session = {}) => rotor(argv, { ...session, env: env(session.env) });
const json = async (...argv: string[]) => JSON.parse((await run([...argv, "--json"])).stdout);

describe("a queue", () => {
  test("is created with flags in either spelling, by the singular noun too", async () => {
    const argv = ["queue", "create", "enrichment", "--concurrency", "10", "--retryAttempts=5", "--json"];
    const { exitCode, stdout } = await run(argv);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ name: "enrichment", concurrency: 10, retry_attempts: 5 });
  });

  test("is listed as a table", async () => {
    const { stdout, stderr } = await run(["queues", "list"]);
    expect(stdout.split("\n")).toEqual([
      "NAME        STATE   MODE  CONCURRENCY  RETRY ATTEMPTS  CALLBACK URL",
      "enrichment  active  pull  10           5               -",
      "",
    ]);
    expect(stderr).toBe("");
  });

  test("shows a new secret once, and prominently", async () => {
    const argv = ["queues", "update", "enrichment", "--callback-url", "https://example.com/jobs"];
    const { stdout, stderr } = await run(argv);
    expect(stdout).toMatch(/\n\nNew callback secret: whsec_\w{20,}\n$/);
    expect(stderr).toBe("Copy it now: it is shown once.\n");
    expect((await run(["queues", "get", "enrichment"])).stdout).not.toContain("secret:");
  });

  test("takes nested settings as JSON, from stdin or from a file, and null", async () => {
    const path = join(folder, "queue.json");
    writeFileSync(
      path,
      JSON.stringify({ name: "from-file", backoff: { type: "fixed", delay: 5 }, concurrency: 2 }),
    );
    expect((await run(["queues", "create", "--input", path, "--concurrency", "3"])).exitCode).toBe(0);
    const limit = { input: '{"max":7,"period_seconds":1}' };
    expect((await run(["queues", "update", "from-file", "--rate-limit", "-"], limit)).exitCode).toBe(0);
    expect(await json("queues", "get", "from-file")).toMatchObject({
      backoff: { type: "fixed", delay: 5 },
      concurrency: 3,
      rate_limit: { max: 7, period_seconds: 1 },
    });
    expect(await json("queues", "update", "from-file", "--rate-limit", "null")).toMatchObject({
      rate_limit: null,
    });
  });

  test("is deleted only after a yes", async () => {
    const typed = (input: string) => run(["queues", "delete", "from-file"], { isTerminal: true, input });
    const no = await typed("n\n");
    expect(no).toMatchObject({ exitCode: 1, stdout: "" });
    expect(no.stderr).toContain("rotor queues delete from-file: Delete a queue for good. Go on? [y/N]");
    expect(await typed("\x03")).toMatchObject({ exitCode: 130 });
    expect(await json("queues", "get", "from-file")).toMatchObject({ name: "from-file" });
    expect(await typed("y\n")).toMatchObject({ exitCode: 0 });
    expect(await run(["queues", "get", "from-file"])).toMatchObject({ exitCode: 3, stdout: "" });
  });

  test("is not deleted where nobody can be asked, unless forced or only previewed", async () => {
    const refused = await run(["queues", "delete", "enrichment"]);
    expect(refused).toMatchObject({ exitCode: 5, stderr: expect.stringContaining("--force") });
    expect(await json("queues", "delete", "enrichment", "--dry-run")).toMatchObject({ deleted: false });
    expect(await json("queues", "delete", "enrichment", "--force")).toMatchObject({ deleted: true });
  });
});

describe("lists", () => {
  beforeAll(async () => {
    for (const name of ["list-a", "list-b", "list-c"]) await run(["queues", "create", name]);
  });

  test("say where they go on, and are fetched whole by --all", async () => {
    const page = await run(["queues", "list", "--limit", "2"]);
    expect(page.stdout.match(/^list-/gm)).toHaveLength(2);
    expect(page.stderr).toMatch(/^There are more: --all, or --cursor \S+\n$/);
    const { data, nextCursor } = await json("queues", "list", "--limit", "2", "--all");
    expect([data.map(({ name }: { name: string }) => name), nextCursor]).toEqual([
      ["list-a", "list-b", "list-c"],
      null,
    ]);
  });

  test("that are empty say so, but not into a pipe", async () => {
    expect(await run(["queues", "list", "--state", "paused"])).toEqual({
      exitCode: 0,
      stdout: "",
      stderr: "Nothing found.\n",
    });
  });

  test("come as CSV where the server offers it", async () => {
    const { exitCode, stdout } = await run(["audit", "list", "--format", "csv", "--event-type", "queue."]);
    const [header, first] = stdout.split("\r\n");
    expect(exitCode).toBe(0);
    expect(header).toMatch(/^id,workspace_id,seq,event_type,/);
    expect(first).toContain(",queue.created,");
    expect(await run(["audit", "list", "--format", "xml"])).toMatchObject({ exitCode: 2 });
    expect(await run(["audit", "list", "--format", "csv", "--limit", "0"])).toMatchObject({ exitCode: 2 });
  });

  test("fit the terminal they are shown on", async () => {
    const { stdout } = await run(["audit", "list"], { isTerminal: true, columns: 60 });
    expect(Math.max(...stdout.split("\n").map(({ length }) => length))).toBeLessThanOrEqual(60);
  });
});

describe("mistakes", () => {
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
    [["queues", "create", "list-a"], 5, "A queue list-a exists already."],
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

describe("a key", () => {
  const config = () => join(folder, "config.json");
  const keyless = (more: Session["env"] = {}) =>
    env({ ROTOR_API_KEY: undefined, ROTOR_CONFIG_DIR: folder, ...more });
  const bare = (argv: string[], session: Session = {}) =>
    rotor(argv, { ...session, env: keyless(session.env) });

  test("is missing until one logs in", async () => {
    expect(await bare(["whoami"])).toMatchObject({
      exitCode: 4,
      stderr: expect.stringContaining("rotor login"),
    });
  });

  test("that is wrong is not saved", async () => {
    expect(await bare(["login"], { input: "rt_ws_wrong\n" })).toMatchObject({ exitCode: 4 });
    expect(await bare(["login"], { input: "hello" })).toMatchObject({ exitCode: 2 });
    expect(await bare(["login"], { input: "" })).toMatchObject({ exitCode: 2 });
    expect(await bare(["whoami"])).toMatchObject({ exitCode: 4 });
  });

  test("is checked, saved for its owner only, and used from then on", async () => {
    const { exitCode, stdout, stderr } = await bare(["login"], { input: `${server.adminKey}\n` });
    expect([exitCode, stdout]).toEqual([0, ""]);
    expect(stderr).toContain(`Logged in to ${server.url} with the key admin (admin), workspace default.`);
    expect(stderr).not.toContain(server.adminKey);
    expect(statSync(config()).mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(config(), "utf8"))).toEqual({ apiKey: server.adminKey, url: server.url });
    expect((await bare(["whoami"], { env: { ROTOR_API_URL: undefined } })).stdout).toContain("ws_default");
  });

  test("typed at the prompt is not shown", async () => {
    const { exitCode, stderr } = await bare(["login"], {
      isTerminal: true,
      input: `${server.developerKey}\r`,
    });
    expect([exitCode, stderr]).toEqual([0, expect.stringContaining("with the key developer")]);
    expect(stderr).not.toContain(server.developerKey);
  });

  test("comes from the flag before the environment before the file", async () => {
    const label = async (argv: string[], more: Session["env"]) =>
      JSON.parse((await bare(["whoami", "--json", ...argv], { env: { ...more } })).stdout).label;
    expect(await label([], {})).toBe("developer");
    expect(await label([], { ROTOR_API_KEY: server.adminKey })).toBe("admin");
    expect(await label(["--api-key", server.developerKey], { ROTOR_API_KEY: server.adminKey })).toBe(
      "developer",
    );
  });

  test("on the command line earns a warning, where a person can read it", async () => {
    const argv = ["whoami", "--api-key", server.adminKey];
    expect((await bare(argv, { isTerminal: true })).stderr).toContain("prefer ROTOR_API_KEY");
    expect((await bare(argv)).stderr).toBe("");
  });

  test("of a team brings its workspace along; a key from elsewhere does not get that workspace", async () => {
    const { key } = await json("api-keys", "create", "team", "--tier", "team", "--role", "viewer");
    expect(await bare(["login"], { input: key })).toMatchObject({ exitCode: 2 });
    expect(await bare(["login", "--workspace", "ws_default"], { input: key })).toMatchObject({ exitCode: 0 });
    expect(await bare(["whoami"])).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("team") });
    writeFileSync(config(), JSON.stringify({ apiKey: key, url: server.url, workspaceId: "ws_other" }));
    expect(await bare(["whoami"])).toMatchObject({ exitCode: 3 });
    expect(await bare(["whoami"], { env: { ROTOR_API_KEY: server.adminKey } })).toMatchObject({
      exitCode: 0,
    });
  });

  test("is forgotten by logout", async () => {
    expect((await bare(["logout"])).stderr).toContain("is deleted");
    expect((await bare(["logout"])).stderr).toBe("No key was saved.\n");
    expect(await bare(["whoami"])).toMatchObject({ exitCode: 4 });
  });

  test("in a damaged file does not hinder a new login", async () => {
    writeFileSync(config(), "{");
    expect(await bare(["whoami"])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining("rotor login"),
    });
    expect(await bare(["login"], { input: server.adminKey })).toMatchObject({ exitCode: 0 });
  });
});

test("the operator's commands use the operator's token", async () => {
  const { exitCode, stdout } = await run(["admin", "list-workspaces"], {
    env: { ROTOR_API_KEY: undefined, ROTOR_ADMIN_TOKEN: server.adminToken },
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
