import { expect, test } from "vitest";
import { parseRetryAfter } from "./retry-after.ts";

const now = Date.UTC(2026, 0, 1, 12, 0, 0);

test.each([
  ["60", 60_000],
  [" 60 ", 60_000],
  ["0", 0],
  ["Thu, 01 Jan 2026 12:00:30 GMT", 30_000],
  ["Thursday, 01-Jan-26 12:00:30 GMT", 30_000],
  ["Thu Jan  1 12:00:30 2026", 30_000],
  ["Thu, 01 Jan 2026 11:00:00 GMT", 0],
  ["", undefined],
  ["-5", undefined],
  ["1.5", undefined],
  ["60s", undefined],
  ["2026", 2_026_000],
  ["2026-01-01T12:00:30Z", undefined],
  ["9999999999999999999999", undefined],
  ["Thu, 99 Foo 2026 12:00:30 GMT", undefined],
  ["soon", undefined],
])("%j asks for %s ms", (text, expected) => {
  expect(parseRetryAfter(text, now)).toBe(expected);
});
