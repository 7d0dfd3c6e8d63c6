// The layers that need nothing: a change of a tool's text that makes it harder to find fails here.

import { expect, test } from "vitest";
import { askedAt, readCases, splits } from "./case.ts";
import { lint } from "./lint.ts";
import { judgeRetrieval } from "./retrieval.ts";
import { floors } from "./scorecard.ts";
import { addresses, listing, readTools } from "./tools.ts";

const tools = await readTools();
const cases = await readCases("dev");

test("L0: the texts of the tools keep the rules", () => {
  expect(lint(tools)).toEqual([]);
});

test.each(addresses)("L1: the tools of %s are found by what people say", (address) => {
  const { recallAt1, recallAt5 } = judgeRetrieval(listing(tools, address), askedAt(cases, address));
  expect(recallAt1).toBeGreaterThanOrEqual(floors.recallAt1);
  expect(recallAt5).toBeGreaterThanOrEqual(floors.recallAt5);
});

test.each(splits)(
  "every tool that a case of %s names exists, and no two cases share an id",
  async (split) => {
    const names = new Set(tools.map(({ name }) => name));
    const named = (await readCases(split)).flatMap(({ expect: wanted, forbid }) => [
      ...wanted.flat().map(({ tool }) => tool),
      ...forbid,
    ]);
    expect(named.filter((name) => !names.has(name))).toEqual([]);
    const ids = (await Promise.all(splits.map(readCases))).flat().map(({ id }) => id);
    expect(ids.length).toBe(new Set(ids).size);
  },
);
