import { createFunction } from "@rotorsh/sdk";
import { addUp, type Page, readTouches, storeTotals, type Totals } from "./services.ts";

export const attributionRollup = createFunction(
  { id: "attribution-rollup", trigger: { cron: "0 2 * * *", timezone: "UTC" }, retries: 5 },
  async ({ step }) => {
    const day = await step.run("which-day", () => {
      const yesterday = new Date(Date.now() - 24 * 60 * 60 * 1000);
      return yesterday.toISOString().slice(0, 10);
    });
    let totals: Totals = {};
    let cursor: string | null = null;
    let page = 0;
    do {
      page++;
      const from: string | null = cursor;
      const { touches, next }: Page = await step.run(`page-${page}`, () => readTouches(day, from));
      totals = addUp(totals, touches);
      cursor = next;
    } while (cursor !== null);
    await step.run("store", () => storeTotals(day, totals));
    return { day, pages: page, totals };
  },
);

export const functions = [attributionRollup];
