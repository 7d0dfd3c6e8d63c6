import { contract, errorCodes, listOperations, type OperationTree, parseInput } from "@rotorsh/contract";
import { Hono } from "hono";
import { beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { docsRoutes } from "./docs.ts";
import { docsPage } from "./docs-page.ts";
import { samplesOf } from "./docs-samples.ts";
import { exampleInput, noExample } from "./example-input.ts";
import { pagePolicy, securityHeaders } from "./headers.ts";

const operations = listOperations(contract as OperationTree);
const titled = operations.map((named) => ({ ...named, title: `${named.noun}.${named.verb}` }));

const app = new Hono().use(securityHeaders).route("/docs", docsRoutes("1.2.3"));
let page: string;

beforeAll(async () => {
  page = await (await app.request("/docs")).text();
});

describe("the reference page", () => {
  test.each(titled)("shows $title with its route and who may call it", ({ title, operation }) => {
    const [, section = ""] = page.split(`id="${title}"`);
    const text = textOf(section.split("</section>")[0] ?? "");
    const [method, path] = operation.route.split(" ") as [string, string];
    expect(text).toContain(`${method} ${path}`);
    expect(text).toContain(operation.needs === "operate" ? "ADMIN_TOKEN" : `permission ${operation.needs}`);
    for (const name of Object.keys(operation.input.shape)) expect(text).toContain(name);
    for (const name of Object.keys(operation.output.shape)) expect(text).toContain(name);
    for (const code of operation.errors) expect(text).toContain(code);
  });

  test("explains every error code in a place of its own", () => {
    for (const code of errorCodes) expect(page.split(`id="error-${code}"`)).toHaveLength(2);
  });

  test("has a target for each of its links, and no id twice", () => {
    const ids = [...page.matchAll(/ id="([^"]+)"/g)].map((match) => match[1]);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [, target] of page.matchAll(/href="#([^"]+)"/g)) expect(ids).toContain(target);
    for (const [, target] of page.matchAll(/ for="([^"]+)"/g)) expect(ids).toContain(target);
  });

  test("runs nothing and loads nothing from elsewhere", () => {
    expect(page).not.toMatch(/<script|<iframe|<object|javascript:/i);
    expect(page).not.toMatch(/<[^>]+\s(on\w+|style)=/i);
    const addresses = [...page.matchAll(/\s(?:href|src)="([^"]*)"/g)].map((match) => match[1] ?? "");
    const others = addresses.filter((address) => !/^(#|data:image\/svg\+xml,)/.test(address));
    expect(new Set(others)).toEqual(new Set(["docs/style.css", "doc"]));
  });

  test("shows text of the contract as text", async () => {
    const evil = '<img src=x onerror=alert(1)>"><script>';
    const base = {
      ...contract.queues.get,
      summary: evil,
      description: `${evil} \`${evil}\``,
      route: "GET /v1/x",
    } as const;
    const input = z.strictObject({
      name: z
        .string()
        .default(evil)
        .describe(evil)
        .meta({ examples: [evil] }),
    });
    const html = String(await docsPage(evil, { noun: { verb: { ...base, input } } }));
    expect(html).not.toMatch(/<img|<script/);
    expect(textOf(html)).toContain(evil);
  });
});

describe("the way it is served", () => {
  test("by its own policy, and with the rest of the headers every page has", async () => {
    const { headers } = await app.request("/docs");
    expect(headers.get("content-security-policy")).toBe(pagePolicy);
    expect(headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
  });

  test.each(["/docs", "/docs/style.css"])("%s is sent once and then only confirmed", async (path) => {
    const first = await app.request(path);
    const tag = first.headers.get("etag") ?? "";
    expect(first.headers.get("cache-control")).toBe("public, no-cache");
    const again = await app.request(path, { headers: { "if-none-match": `"other", W/${tag}` } });
    expect(again.status).toBe(304);
    expect(again.headers.get("content-security-policy")).toBe(pagePolicy);
    expect(await again.text()).toBe("");
    expect((await app.request(path, { headers: { "if-none-match": '"other"' } })).status).toBe(200);
  });

  test("the style sheet loads nothing either", async () => {
    const style = await (await app.request("/docs/style.css")).text();
    expect(style).not.toMatch(/@import|url\(/);
  });
});

describe("samples", () => {
  test.each(titled)("$title: the example is a valid input", ({ operation }) => {
    expect(() => parseInput(operation.input, exampleInput(operation))).not.toThrow();
    // A field that nothing is known of needs `.meta({ examples: […] })` in the contract.
    expect(JSON.stringify(exampleInput(operation))).not.toContain(noExample);
  });

  test("the same call four ways", () => {
    const [curl, sdk, cli, mcp] = samplesOf({
      noun: "queues",
      verb: "upsert",
      operation: contract.queues.upsert,
    });
    expect(curl?.text).toContain('curl -X PUT "$ROTOR_API_URL/v1/queues/welcome-emails"');
    expect(sdk?.text).toContain('rotor.queues.upsert("welcome-emails", {\n  concurrency: 5,');
    expect(cli?.text).toMatch(/^rotor queues upsert welcome-emails --concurrency 5/);
    expect(JSON.parse(mcp?.text ?? "")).toMatchObject({
      name: "upsert_queue",
      arguments: { name: "welcome-emails", concurrency: 5 },
    });
  });

  test("what destroys is confirmed", () => {
    const [, , , mcp] = samplesOf({ noun: "queues", verb: "delete", operation: contract.queues.delete });
    expect(JSON.parse(mcp?.text ?? "").arguments).toEqual({ name: "welcome-emails", confirm: true });
  });
});

/** What a reader sees, with single spaces. */
function textOf(html: string): string {
  return html
    .replaceAll(/<[^>]*>/g, "")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&#39;", "'")
    .replaceAll("&amp;", "&")
    .replaceAll(/\s+/g, " ");
}
