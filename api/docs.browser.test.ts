// The reference page as a browser shows it.

import { type BrowserPage, startBrowser, type TestBrowser } from "@rotorsh/engine/testing";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { createApp } from "./app.ts";
import { type Listener, listen } from "./listen.ts";

let browser: TestBrowser;
let listener: Listener;
let page: BrowserPage;

beforeAll(async () => {
  listener = await listen(0, "127.0.0.1");
  // The page is for everyone: no key, no engine.
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  const app = createApp({ engine: {} as never, version: "1.2.3", log });
  listener.serve((request, env) => app.fetch(request, env as object));
  browser = await startBrowser(inject("chromium"));
  page = await browser.open(`${listener.url}/docs/`);
});

afterAll(async () => {
  await browser?.close();
  await listener?.close(1000);
});

test("an address with a slash at its end leads to the page, and its own policy refuses it nothing", async () => {
  expect(await page.evaluate("location.pathname")).toBe("/docs");
  expect(await page.evaluate("document.querySelector('h1').innerText")).toBe("API reference");
  expect(page.complaints).toEqual([]);
});

test("its style is applied", async () => {
  expect(await page.evaluate("document.styleSheets[0].cssRules.length")).toBeGreaterThan(10);
});

test("every link within the page leads somewhere", async () => {
  const lost = `[...document.querySelectorAll('a[href^="#"]')].map((a) => a.hash.slice(1))
    .filter((id) => !document.getElementById(decodeURIComponent(id)))`;
  expect(await page.evaluate(lost)).toEqual([]);
});

test.each([1440, 768, 360])("at %i pixels nothing is wider than the window", async (width) => {
  await page.resize(width, 900);
  expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(width);
});
