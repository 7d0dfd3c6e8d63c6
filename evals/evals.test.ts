// The layers that need nothing: a change of a tool's text that makes it harder to find fails here.

import { expect, test } from "vitest";
import { askedAt, families, readCases, splits, wantedTools } from "./case.ts";
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

test("L1 is measured with the held-out half, too, which has no floor", async () => {
  const held = await readCases("held");
  for (const address of addresses) {
    const { recallAt1, recallAt5, searches } = judgeRetrieval(
      listing(tools, address),
      askedAt(held, address),
    );
    expect(searches.length).toBeGreaterThan(40);
    expect(recallAt5).toBeGreaterThanOrEqual(recallAt1);
  }
});

const everyCase = (await Promise.all(splits.map(readCases))).flat();

test("there are 120 cases of every family, asked in three ways, none of them twice", async () => {
  expect(everyCase.length).toBeGreaterThanOrEqual(120);
  for (const split of splits) {
    const found = (await readCases(split)).map(({ family }) => family);
    expect([...new Set(found)].sort()).toEqual([...families].sort());
  }
  for (const { id, prompts } of everyCase) expect(prompts.length, id).toBeGreaterThanOrEqual(3);
  expect(repeated(everyCase.map(({ id }) => id))).toEqual([]);
  expect(repeated(everyCase.flatMap(({ prompts }) => prompts))).toEqual([]);
});

test.each(everyCase)("$id names tools that exist, and wants those that its address lists", (one) => {
  const named = [...one.expect.flat().map(({ tool }) => tool), ...one.forbid];
  expect(named.filter((name) => !tools.some((tool) => tool.name === name))).toEqual([]);
  const listed = new Set(listing(tools, one.toolset).map(({ name }) => name));
  expect([...wantedTools(one)].filter((name) => !listed.has(name))).toEqual([]);
});

test.each(everyCase)("$id expects arguments that its tools have", ({ expect: solutions }) => {
  for (const { tool: name, arguments: args } of solutions.flat()) {
    const fields = tools.find((tool) => tool.name === name)?.inputSchema.properties ?? {};
    expect(Object.keys(args).filter((field) => !(field in (fields as object)))).toEqual([]);
  }
});

function repeated(texts: readonly string[]): string[] {
  return texts.filter((text, index) => texts.indexOf(text) !== index);
}
