// The reference page: one page, no script, one style sheet, nothing loaded from elsewhere.

import { createHash } from "node:crypto";
import { type Context, Hono } from "hono";
import { docsPage } from "./docs-page.ts";
import { docsStyle } from "./docs-style.ts";
import { pagePolicy } from "./headers.ts";

export function docsRoutes(version: string) {
  const routes = new Hono();
  // The contract does not change while the process runs, so the page is made once, when it is first wanted.
  let page: Promise<Text> | undefined;
  const style = toText("text/css; charset=utf-8", docsStyle);
  routes.get("/", async (c) => {
    page ??= Promise.resolve(docsPage(version)).then((html) =>
      toText("text/html; charset=utf-8", String(html)),
    );
    return send(c, await page);
  });
  routes.get("/style.css", (c) => send(c, style));
  return routes;
}

type Text = { type: string; body: string; tag: string };

function toText(type: string, body: string): Text {
  return { type, body, tag: `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"` };
}

/** May be kept, and is asked for again each time: after an update nobody sees an old page. */
function send(c: Context, { type, body, tag }: Text): Response {
  c.header("content-security-policy", pagePolicy);
  c.header("cache-control", "public, no-cache");
  c.header("etag", tag);
  if (matches(c.req.header("if-none-match"), tag)) return c.body(null, 304);
  return c.body(body, 200, { "content-type": type });
}

function matches(asked: string | undefined, tag: string): boolean {
  const tags = asked?.split(",").map((entry) => entry.trim().replace(/^W\//, "")) ?? [];
  return tags.includes(tag) || tags.includes("*");
}
