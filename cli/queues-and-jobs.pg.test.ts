// Queues, jobs and lists as a person meets them on the command line.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { againstServer } from "./testing/against-server.ts";

const { folder, run, json } = againstServer();

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
      "NAME        STATE   MODE  CONCURRENCY  RETRY ATTEMPTS  JOBS (waiting/active/failed)  CALLBACK URL",
      "enrichment  active  pull  10           5               0 / 0 / 0                     -",
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
    const path = join(folder(), "queue.json");
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

describe("a job", () => {
  beforeAll(async () => {
    await run(["queues", "create", "outreach"]);
  });

  test("is enqueued with a payload, tags, a concurrency key, and a key of its own", async () => {
    const argv = ["jobs", "enqueue", "outreach", "--payload", '{"contactId":"cid_123"}'];
    argv.push("--tags", "campaign:q2-outbound,contact:cid_123", "--concurrency-key", "contact:cid_123");
    argv.push("--delay", "3600", "--idempotency-key", "welcome:cid_123");
    const created = await json(...argv);
    expect(created).toMatchObject({ id: "welcome:cid_123", state: "delayed" });
    expect(await json(...argv)).toMatchObject({ id: created.id, duplicate: true });
    expect(await json("jobs", "get", "outreach", created.id)).toMatchObject({
      payload: { contactId: "cid_123" },
      tags: ["campaign:q2-outbound", "contact:cid_123"],
      concurrencyKey: "contact:cid_123",
    });
  });

  test("that is not JSON is refused before it is sent", async () => {
    const argv = ["jobs", "enqueue", "outreach", "--payload", "{contactId:1}"];
    expect(await run(argv)).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining("--payload must be JSON."),
    });
  });

  test("comes from stdin, or many at once from a file", async () => {
    const piped = await run(["jobs", "enqueue", "outreach", "--stdin", "--json"], { input: '{"a":1}\n' });
    const { id } = JSON.parse(piped.stdout);
    expect(await json("jobs", "get", "outreach", id)).toMatchObject({ payload: { a: 1 } });
    const path = join(folder(), "jobs.json");
    writeFileSync(path, JSON.stringify([{ payload: 1 }, { payload: 2, delay: "1h" }]));
    const { jobs } = await json("jobs", "enqueue-batch", "outreach", `@${path}`);
    expect(jobs).toHaveLength(2);
  });

  test("is found by its state and its tag", async () => {
    const byTag = await json(
      "jobs",
      "list",
      "outreach",
      "--tag",
      "campaign:q2-outbound",
      "--status",
      "delayed",
    );
    expect(byTag.data.map(({ id }: { id: string }) => id)).toEqual(["welcome:cid_123"]);
  });

  test("is cancelled after a yes, or by force", async () => {
    const argv = ["jobs", "cancel", "outreach", "welcome:cid_123"];
    expect((await run(argv)).exitCode).toBe(5);
    expect(await json(...argv, "--force")).toMatchObject({ deleted: true, state: "cancelled" });
    expect((await run(["jobs", "retry", "outreach", "missing"])).exitCode).toBe(3);
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
    expect(data.map(({ name }: { name: string }) => name)).toEqual([
      "list-a",
      "list-b",
      "list-c",
      "outreach",
    ]);
    expect(nextCursor).toBeNull();
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
