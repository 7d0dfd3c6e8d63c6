import { expect, test } from "vitest";
import { judge, type Request, type Tried } from "./handler-check.ts";

const url = "https://app.example.com/jobs";
const answer = (status: number, durationMs = 20): Tried => ({
  delivered: { kind: "response", status, body: "" },
  durationMs,
});
const good: Record<Request, Tried> = {
  right_signature: answer(200),
  same_job_twice: answer(204),
  wrong_signature: answer(401),
  old_timestamp: answer(400),
};
const judged = (changed: Partial<Record<Request, Tried>>, at = url) =>
  Object.fromEntries(
    judge({ url: at, timeoutMs: 10_000, tried: { ...good, ...changed } }).map((probe) => [probe.name, probe]),
  );

test("a good handler passes every probe", () => {
  expect(Object.values(judged({})).map(({ ok, problem }) => [ok, problem])).toEqual(
    Array.from({ length: 7 }, () => [true, null]),
  );
});

test.each([
  ["right_signature", { right_signature: answer(401) }],
  ["right_signature", { right_signature: answer(302) }],
  ["right_signature", { right_signature: answer(404) }],
  ["right_signature", { right_signature: answer(500) }],
  ["same_job_twice", { same_job_twice: answer(409) }],
  ["wrong_signature", { wrong_signature: answer(200) }],
  ["wrong_signature", { wrong_signature: answer(500) }],
  ["old_timestamp", { old_timestamp: answer(202) }],
  ["answer_time", { right_signature: answer(200, 9000) }],
] as const)("%s fails, with a fix", (name, changed) => {
  expect(judged(changed)[name]).toMatchObject({ ok: false, fix: expect.any(String) });
});

test("what could not be tried is neither fine nor broken", () => {
  const silent: Tried = {
    delivered: { kind: "tls", message: "The TLS certificate has expired." },
    durationMs: 5,
  };
  const probes = judge({ url, timeoutMs: 10_000, tried: { right_signature: silent } });
  expect(Object.fromEntries(probes.map(({ name, ok }) => [name, ok]))).toEqual({
    reachable: false,
    tls: false,
    right_signature: null,
    same_job_twice: null,
    wrong_signature: null,
    old_timestamp: null,
    answer_time: null,
  });
});

test("plain http is warned of, and does not fail the check", () => {
  expect(judged({}, "http://127.0.0.1:3000/").tls).toMatchObject({ ok: null, problem: expect.any(String) });
});
