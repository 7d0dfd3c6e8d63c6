import { expect, test } from "vitest";
import { pageOf } from "./page.ts";
import type { Scorecard } from "./scorecard.ts";

const search = {
  case: "pause",
  prompt: "Pause it",
  wanted: ["set_queue_state"],
  got: "drain_queue",
  rank: 2,
};
const result = { recallAt1: 0, recallAt5: 1, mrr: 0.5, searches: [search] };
const card: Scorecard = {
  made: "2026-01-01T00:00:00.000Z",
  lint: ["get_run <is> odd"],
  retrieval: [
    { address: "all", split: "dev", result },
    { address: "all", split: "held", result: { ...result, searches: [{ ...search, got: "cancel_run" }] } },
  ],
  drops: [],
  playback: [{ case: "pause", state: "failed", why: ["the queue is active"] }],
  hosts: [{ check: "claude", state: "not run", why: "it cannot be fetched" }],
  live: { why: "ANTHROPIC_API_KEY is not set" },
};
const page = pageOf(card);

test("the page needs nothing but itself, and what it quotes is text", () => {
  expect(page).not.toMatch(/<script|<link|<img|@import|url\(|https?:/);
  expect(page).toContain("get_run &lt;is> odd");
  expect(page).toContain("<svg");
});

test("it says what failed, what was not run, and why", () => {
  for (const said of [
    "the queue is active",
    "it cannot be fetched",
    "Not run: ANTHROPIC_API_KEY is not set.",
  ]) {
    expect(page).toContain(said);
  }
});

test("it shows what dev is confused by, and nothing of the held-out half but its recall", () => {
  expect(page).toContain("drain_queue");
  expect(page).toContain("all tools, held: recall@1");
  expect(page).not.toContain("cancel_run");
});
