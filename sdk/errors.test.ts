import { expect, test } from "vitest";
import { errorClassOf, parseIdempotencyKey, RotorError, RotorIdempotencyConflict } from "./errors.ts";

test("a code that users were promised a class for has it, and others do not", () => {
  expect(errorClassOf("IDEMPOTENCY_CONFLICT")).toBe(RotorIdempotencyConflict);
  expect(errorClassOf("QUEUE_NOT_FOUND")).toBe(RotorError);
  expect(errorClassOf("constructor")).toBe(RotorError);
});

test("an idempotency key is read from any kind of headers", () => {
  expect(parseIdempotencyKey(new Headers({ "Idempotency-Key": "abc" }))).toBe("abc");
  expect(parseIdempotencyKey({ "Idempotency-Key": "abc" })).toBe("abc");
  expect(parseIdempotencyKey({ "idempotency-key": ["abc"] })).toBe("abc");
  expect(parseIdempotencyKey({})).toBeUndefined();
});

test.each(["", " ", "é", "a\nb", "x".repeat(256)])(
  "a key of %j cannot be one: INVALID_IDEMPOTENCY_KEY",
  (key) => {
    expect(() => parseIdempotencyKey({ "idempotency-key": key })).toThrow(
      expect.objectContaining({ code: "INVALID_IDEMPOTENCY_KEY" }),
    );
  },
);
