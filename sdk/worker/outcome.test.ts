import { expect, test, vi } from "vitest";
import { completed, failed } from "./outcome.ts";

test("a result is sent as it is", () => {
  expect(completed({ a: [1] }, vi.fn())).toEqual({ outcome: "completed", result: { a: [1] } });
  expect(completed(undefined, vi.fn())).toEqual({ outcome: "completed" });
  expect(completed(null, vi.fn())).toEqual({ outcome: "completed", result: null });
});

const circular: { self?: object } = {};
circular.self = circular;

test.each([
  ["is larger than 64 KB", "ä".repeat(32_768)],
  ["refers to itself", circular],
  ["holds a BigInt", { n: 1n }],
])("a result that %s is left out, with a warning, and the job is completed", (_, result) => {
  const warn = vi.fn();
  expect(completed(result, warn)).toEqual({ outcome: "completed" });
  expect(warn).toHaveBeenCalledOnce();
});

test.each([
  ["an error", new Error("no"), "no"],
  ["an error without a message", new TypeError(), "TypeError"],
  ["a text", "no", "no"],
  ["nothing", undefined, "undefined"],
  ["a long message", new Error("x".repeat(9000)), "x".repeat(2000)],
])("%s fails the attempt with its message", (_, error, message) => {
  expect(failed(error, 0)).toEqual({ outcome: "failed", message });
});

test.each(["NonRetriableError", "UnrecoverableError"])("%s is final", (name) => {
  expect(failed(Object.assign(new Error("no"), { name }), 0)).toMatchObject({ final: true });
});

test.each([
  [1500, 1.5],
  [new Date(10_000), 5],
  ["1970-01-01T00:00:10.000Z", 5],
  [new Date(0), 0],
  [1e12, 86_400],
  ["soon", undefined],
])("a RetryAfterError for %s waits %s seconds", (retryAfter, seconds) => {
  const error = Object.assign(new Error("later"), { name: "RetryAfterError", retryAfter });
  expect(failed(error, 5000).retry_after_seconds).toBe(seconds);
});
