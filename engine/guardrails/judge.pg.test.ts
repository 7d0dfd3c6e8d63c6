// The judge's breaker and budget, with a model that does what a test says; how it is asked is tried in brand-tone.pg.test.ts.

import { afterAll, beforeAll, expect, test } from "vitest";
import type { Answered } from "../outbound/anthropic.ts";
import { startTestEngine, type TestEngine } from "../testing/index.ts";
import { createJudge } from "./judge.ts";

let rotor: TestEngine;
beforeAll(async () => {
  rotor = await startTestEngine();
});
afterAll(() => rotor.stop());

const tone = { rubric: "Calm.", threshold: 0.7, model: "m", dailyLimit: 1000 };

test("of many jobs that come when the breaker's rest is over, one is sent ahead", async () => {
  let now = 0;
  let asked = 0;
  let answer: (answered: Answered) => void = () => {};
  const judge = createJudge(
    { sql: rotor.sql },
    () => {
      asked++;
      if (now === 0) return Promise.resolve({ failure: "overloaded" });
      return new Promise((resolve) => {
        answer = resolve;
      });
    },
    () => now,
  );
  for (let failure = 0; failure < 5; failure++) await judge(rotor.home.id, tone, {});
  now = 30_000;
  const [probe, ...others] = Array.from({ length: 8 }, () => judge(rotor.home.id, tone, {}));
  const whys = (await Promise.all(others)).map((judgement) => "why" in judgement && judgement.why);
  expect(new Set(whys)).toEqual(new Set(["breaker_open"]));
  await expect.poll(() => asked).toBe(6);
  answer({ input: { score: 1, reason: "Calm." } });
  expect(await probe).toMatchObject({ kind: "judged" });
});

test("a probe that has no budget leaves the next one to try", async () => {
  let now = 0;
  let asked = 0;
  const judge = createJudge(
    { sql: rotor.sql },
    async () => {
      asked++;
      return { failure: "overloaded" };
    },
    () => now,
  );
  for (let failure = 0; failure < 5; failure++) await judge(rotor.home.id, tone, {});
  now = 30_000;
  expect(await judge(rotor.home.id, { ...tone, dailyLimit: 0 }, {})).toMatchObject({ why: "budget_used_up" });
  expect(await judge(rotor.home.id, tone, {})).toMatchObject({ why: "overloaded" });
  expect(asked).toBe(6);
});
