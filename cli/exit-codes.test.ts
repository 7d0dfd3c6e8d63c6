import { errorCodes, RotorError } from "@rotorsh/contract";
import { expect, test } from "vitest";
import { exitCodeOf } from "./exit-codes.ts";
import { rotor } from "./testing/terminal.ts";

test("every error has an exit code that says more than failure, except our own bugs", () => {
  const vague = errorCodes.filter((code) => exitCodeOf(new RotorError(code)) === 1);
  expect(vague).toEqual(["INTERNAL"]);
});

test.each([
  ["INVALID_INPUT", 2],
  ["QUEUE_NOT_FOUND", 3],
  ["UNAUTHENTICATED", 4],
  ["FORBIDDEN", 4],
  ["QUEUE_EXISTS", 5],
  ["RATE_LIMITED", 6],
  ["QUOTA_EXCEEDED", 6],
  ["UNREACHABLE", 7],
  ["BAD_RESPONSE", 7],
] as const)("%s ends with %i", (code, exitCode) => {
  expect(exitCodeOf(new RotorError(code))).toBe(exitCode);
});

test("an error that only a newer server knows keeps the meaning of its status", () => {
  expect(exitCodeOf(new RotorError("BAD_RESPONSE", { code: "NEW", status: 404 }))).toBe(3);
  expect(exitCodeOf(new RotorError("BAD_RESPONSE", { code: "NEW", status: 418 }))).toBe(1);
});

test("help lists them", async () => {
  const { stdout } = await rotor(["help", "exit-codes"]);
  expect(stdout.match(/^ *\d+ {2}\S/gm)).toHaveLength(11);
});
