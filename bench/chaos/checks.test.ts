// Who checks must notice: each of these is a run in which something went wrong, or only looks so.

import { expect, test } from "vitest";
import { checkAcknowledged, checkWitness, type JobRow } from "./checks.ts";
import { checkLimits, type Visit } from "./ledger.ts";
import type { Sent } from "./load.ts";
import { createStory } from "./story.ts";

const visit = (changed: Partial<Visit>): Visit => ({
  ...{ id: "a", attempt: 1, queue: "single", key: undefined, nonce: "n", from: 0, to: 10, status: 200 },
  ...changed,
});

const job = (changed: Partial<JobRow>): JobRow => ({
  ...{ queue: "single", id: "a", nonce: "n", state: "completed", generation: 1 },
  ...{ attempts_made: 1, max_attempts: 4 },
  ...changed,
});

const sent = (changed: Partial<Sent>): Sent => ({
  nonce: "n",
  queue: "single",
  keyed: false,
  id: "a",
  ...changed,
});

function accusations(check: (story: ReturnType<typeof createStory>) => void): string[] {
  const story = createStory();
  check(story);
  return story.accusations;
}

const limited = (visits: Visit[], most = 1, freezes: { from: number; to: number }[] = []) =>
  accusations((story) => checkLimits(visits, { most: () => most }, freezes, story));

test("two at once where one is allowed are found; one after the other is well", () => {
  expect(limited([visit({}), visit({ id: "b", from: 5, to: 12 })])).toHaveLength(1);
  expect(limited([visit({}), visit({ id: "b", from: 5, to: 12 })], 2)).toEqual([]);
  expect(limited([visit({}), visit({ id: "b", from: 10, to: 12 })])).toEqual([]);
});

test("a key that is held in two queues at once is found", () => {
  const held = [visit({ key: "k" }), visit({ id: "b", queue: "wide", key: "k", from: 9, to: 20 })];
  expect(limited(held, 5)).toEqual([expect.stringContaining("k doubled")]);
});

test("a request that outlives its lease is excused only where its worker was frozen", () => {
  const visits = [visit({ to: 15_000 }), visit({ id: "b", from: 11_000, to: 11_010 })];
  expect(limited(visits)).toHaveLength(1);
  expect(limited(visits, 1, [{ from: 100, to: 14_900 }])).toEqual([]);
  const early = [visit({ to: 15_000 }), visit({ id: "b", from: 5000, to: 5010 })];
  expect(limited(early, 1, [{ from: 100, to: 14_900 }])).toHaveLength(1);
});

test.each<[string, JobRow[], Sent[]]>([
  ["acknowledged and gone", [], [sent({})]],
  ["stored twice", [job({}), job({ id: "b" })], [sent({})]],
  ["acknowledged under another id", [job({ id: "b" })], [sent({})]],
  ["never sent", [job({})], []],
  ["not at an end", [job({ state: "delayed" })], [sent({})]],
  ["cancelled and completed all the same", [job({})], [sent({ cancelledAt: 1 })]],
])("a job that was %s is found", (_, jobs, all) => {
  expect(accusations((story) => checkAcknowledged(jobs, all, story))).toHaveLength(1);
});

test("a job nobody was told of may be there or not", () => {
  const { id: _, ...unknown } = sent({});
  expect(accusations((story) => checkAcknowledged([], [unknown], story))).toEqual([]);
  expect(accusations((story) => checkAcknowledged([job({})], [unknown], story))).toEqual([]);
});

test.each<[string, JobRow, Visit[], Sent[]]>([
  ["completed, though no handler said so", job({}), [visit({ status: 500 })], []],
  ["delivered twice as one attempt", job({}), [visit({}), visit({ from: 20, to: 30 })], []],
  [
    "delivered after it was cancelled",
    job({ state: "cancelled" }),
    [visit({ from: 9 })],
    [sent({ cancelledAt: 5 })],
  ],
])("a job that was %s is found", (_, row, visits, all) => {
  expect(accusations((story) => checkWitness([row], visits, all, story))).toHaveLength(1);
});
