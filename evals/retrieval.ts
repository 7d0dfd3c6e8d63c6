// Which tool a lexical search (BM25) puts first. Hosts that defer tools find them about so: by words of their names,
// descriptions and hints. It says how findable a tool is, not how well a model chooses.

import { type Case, wantedTools } from "./case.ts";
import { wordsOf } from "./words.ts";

export type Text = { name: string; description: string; hint: string };

/** Usual constants: how soon repetition stops to count, and how much length does. */
const saturation = 1.2;
const lengthPenalty = 0.6;
/** A word in a name says more than the same in a description. */
const nameWeight = 3;

export type Retriever = (query: string) => string[];

/** Ranks the names of all tools for a query, best first; ties keep the order of the list. */
export function createRetriever(tools: readonly Text[]): Retriever {
  const documents = tools.map(({ name, description, hint }) => {
    const words = [...Array(nameWeight).fill(name), hint, description].flatMap(wordsOf);
    return { name, length: words.length, counts: countsOf(words) };
  });
  const averageLength = documents.reduce((sum, { length }) => sum + length, 0) / documents.length;
  const rarity = (word: string) => {
    const having = documents.filter(({ counts }) => counts.has(word)).length;
    return Math.log(1 + (documents.length - having + 0.5) / (having + 0.5));
  };
  const score = (document: (typeof documents)[number], query: string[]) =>
    query.reduce((sum, word) => {
      const count = document.counts.get(word) ?? 0;
      const norm = saturation * (1 - lengthPenalty + (lengthPenalty * document.length) / averageLength);
      return sum + (rarity(word) * count * (saturation + 1)) / (count + norm);
    }, 0);
  return (query) => {
    const words = [...new Set(wordsOf(query))];
    return documents
      .map((document) => ({ name: document.name, score: score(document, words) }))
      .sort((a, b) => b.score - a.score)
      .map(({ name }) => name);
  };
}

function countsOf(words: string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}

/** What was asked, the tool found first, and the rank of the first one that was wanted, from 1. */
export type Search = { case: string; prompt: string; wanted: string[]; got: string; rank: number };
export type Retrieval = {
  recallAt1: number;
  recallAt5: number;
  /** Mean of 1 / rank. */
  mrr: number;
  searches: Search[];
};

/** Judges every paraphrase. Any tool of a solution counts; cases that need no tool say nothing here. */
export function judgeRetrieval(tools: readonly Text[], cases: readonly Case[]): Retrieval {
  const retrieve = createRetriever(tools);
  const names = new Set(tools.map(({ name }) => name));
  const questions = cases.flatMap((one) => {
    const wanted = [...wantedTools(one)].filter((tool) => names.has(tool));
    return wanted.length === 0 ? [] : one.prompts.map((prompt) => ({ case: one.id, prompt, wanted }));
  });
  const searches = questions.map((question) => {
    const ranking = retrieve(question.prompt);
    const rank = 1 + ranking.findIndex((name) => question.wanted.includes(name));
    return { ...question, got: ranking[0] ?? "", rank };
  });
  const share = (within: number) => searches.filter(({ rank }) => rank <= within).length / searches.length;
  const mrr = searches.reduce((sum, { rank }) => sum + 1 / rank, 0) / searches.length;
  return { recallAt1: share(1), recallAt5: share(5), mrr, searches };
}

/** What was wanted, how often it came first, and what came first instead, most often first; only where something did. */
export type Confusion = { wanted: string; right: number; got: { name: string; count: number }[] };

/** The rows of the confusion matrix that have something beside its diagonal. */
export function confusions(searches: readonly Search[]): Confusion[] {
  const wants = [...new Set(searches.map(wantOf))];
  return wants.flatMap((wanted) => {
    const row = searches.filter((one) => wantOf(one) === wanted);
    const missed = countsOf(row.filter(({ rank }) => rank > 1).map(({ got }) => got));
    const got = [...missed].map(([name, count]) => ({ name, count })).sort((a, b) => b.count - a.count);
    return got.length === 0 ? [] : [{ wanted, right: row.filter(({ rank }) => rank === 1).length, got }];
  });
}

function wantOf({ wanted }: Search): string {
  return wanted.join(" or ");
}
