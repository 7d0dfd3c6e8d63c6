import { expect, test } from "vitest";
import { bytesOf, mostBytesInFlight, mostInFlight, shareOf } from "./slots.ts";

const plenty = mostBytesInFlight;
const jobs = (count: number, bytes = 0) => ({ jobs: count, bytes });

test("a queue alone may have more than any concurrency allows", () => {
  expect(shareOf({ free: mostInFlight, freeBytes: plenty }, jobs(0))).toBeGreaterThan(1000);
});

test("when slow queues have taken what they may, another one still starts a few", () => {
  const left = { free: 500, freeBytes: plenty };
  expect(shareOf(left, jobs(1000))).toBe(0);
  expect(shareOf(left, jobs(0))).toBe(8);
  expect(shareOf(left, jobs(5))).toBe(3);
  expect(shareOf(left, jobs(8))).toBe(0);
});

test("nobody takes what is not there", () => {
  expect(shareOf({ free: 0, freeBytes: plenty }, jobs(0))).toBe(0);
  expect(shareOf({ free: 3, freeBytes: plenty }, jobs(0))).toBe(3);
  expect(shareOf({ free: 0, freeBytes: 0 }, jobs(0))).toBe(0);
});

test("a queue of large payloads leaves memory for the others", () => {
  const left = { free: 2000, freeBytes: mostBytesInFlight / 4 };
  expect(shareOf(left, jobs(96, 48 * 1024 * 1024))).toBe(0);
  expect(shareOf(left, jobs(96, 96 * 1024))).toBeGreaterThan(1000);
});

test("when no memory is left, a queue starts one job at a time", () => {
  const left = { free: 2000, freeBytes: -1 };
  expect(shareOf(left, jobs(0))).toBe(1);
  expect(shareOf(left, jobs(1, 512 * 1024))).toBe(0);
});

test("a claim may always bring something, and never all of what is free", () => {
  expect(bytesOf(-1, jobs(0))).toBeGreaterThan(0);
  expect(bytesOf(mostBytesInFlight, jobs(0))).toBeLessThan(mostBytesInFlight / 2);
});
