import { expect, test } from "vitest";
import { viewOf } from "./views.ts";

const list = (...data: object[]) => ({ data, nextCursor: null });

test("a list is a table of the columns chosen for it", () => {
  const { lines } = viewOf(
    ["queues", "list"],
    list({ name: "a", concurrency: 5, backoff: { delay: 1 } }),
    undefined,
  );
  expect(lines).toEqual(["NAME  CONCURRENCY", "a     5"]);
});

test("the jobs of a queue are three numbers", () => {
  const stats = { waiting: 142, active: 3, failed: 1 };
  const { lines } = viewOf(["queues", "list"], list({ name: "enrichment", stats }), undefined);
  expect(lines).toEqual(["NAME        JOBS (waiting/active/failed)", "enrichment  142 / 3 / 1"]);
});

test("a list nobody chose columns for shows what fits into a cell", () => {
  const runs = { runs: [{ id: "run_1", endedAt: null, input: { a: 1 } }], nextCursor: "2" };
  expect(viewOf(["schedules", "runs"], runs, undefined)).toMatchObject({
    lines: ["ID     ENDED AT", "run_1  -"],
    nextCursor: "2",
  });
});

test("a thing is its fields, and data cannot play tricks", () => {
  const output = { name: "a\x1b[2J\nb", tags: ["x", "y"], limit: null, backoff: { delay: 1 } };
  expect(viewOf(["queues", "get"], output, undefined).lines).toEqual([
    "name     a[2J b",
    "tags     x, y",
    "limit    -",
    'backoff  {"delay":1}',
  ]);
});

test("a thing with things in it shows them as a table below", () => {
  const attempts = [
    { attempt: 1, status: 500, error: "no" },
    { attempt: 2, status: 200, error: null },
  ];
  expect(viewOf(["jobs", "get"], { id: "job_1", attempts, tags: [] }, undefined).lines).toEqual([
    "id    job_1",
    "tags  -",
    "",
    "attempts:",
    "ATTEMPT  STATUS  ERROR",
    "1        500     no",
    "2        200     -",
  ]);
});

test("a secret that is told once stands apart", () => {
  const view = viewOf(["queues", "create"], { name: "a", callback_secret: "whsec_x" }, undefined);
  expect(view).toMatchObject({
    lines: ["name  a"],
    secrets: [{ name: "callback_secret", value: "whsec_x" }],
  });
});

const quota = { used: 12_450, limit: 100_000, plan: "pro", resetAt: "2026-06-01T00:00:00.000Z" };

test("the status is what one wants to know", () => {
  const { lines } = viewOf(["status"], { api: "ok", redis: "ok", quota }, undefined);
  expect(lines).toEqual([
    "API: ok",
    "Redis: ok",
    "Plan: pro",
    "Quota: 12,450 / 100,000 jobs used this period",
    "Resets: 2026-06-01",
  ]);
});

test("usage is broken down by queue, the busiest first", () => {
  const output = {
    period: { from: "2026-05-01T00:00:00.000Z", to: "2026-06-01T00:00:00.000Z" },
    executions: { total: 1200, byQueue: { small: 200, large: 1000 } },
    quota: { ...quota, limit: null },
  };
  expect(viewOf(["usage"], output, undefined).lines).toEqual([
    "Period: 2026-05-01 to 2026-06-01",
    "Executions: 1,200",
    "Plan: pro",
    "Quota: 12,450 / unlimited jobs used this period",
    "Resets: 2026-06-01",
    "",
    "QUEUE  EXECUTIONS",
    "large  1,000",
    "small  200",
  ]);
});
