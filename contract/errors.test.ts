import fc from "fast-check";
import { expect, test } from "vitest";
import { errorCodes, errorTable, isRotorError, RotorError } from "./errors.ts";

test.each(errorCodes)(
  "%s has a status of failure, a sentence, and placeholders in the form of names",
  (code) => {
    const { status, message } = errorTable[code];
    expect(code).toMatch(/^[A-Z]+(_[A-Z]+)*$/);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(message).toMatch(/^[A-Z].*[.}]$/);
  },
);

test("L-4: a value in a message is one short line without control characters", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 300 }), (name) => {
      const { message } = new RotorError("QUEUE_EXISTS", { name });
      expect(message).not.toMatch(/[\p{Cc}\p{Cf}\u2028\u2029]/u);
      expect(message.length).toBeLessThan(130);
    }),
  );
});

test("a value in a message is not expanded again", () => {
  const { message } = new RotorError("QUEUE_EXISTS", { name: "{name}{other}", other: "x" });
  expect(message).toBe("A queue {name}{other} exists already.");
});

test("the cause of an error is not in what is shown of it", () => {
  const error = new RotorError("INTERNAL", {}, { cause: new Error("select * from api_key") });
  expect(JSON.stringify(error.toBody("req_1"))).not.toContain("api_key");
  expect(error.toBody("req_1").error.request_id).toBe("req_1");
});

test("an error is known by its form, so that another copy of this package may have made it", () => {
  class Foreign extends Error {
    readonly code = "QUEUE_EXISTS";
    toBody() {}
  }
  expect([isRotorError(new Foreign()), isRotorError(new Error("no")), isRotorError(null)]).toEqual([
    true,
    false,
    false,
  ]);
});
