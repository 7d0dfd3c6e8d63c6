import { Hono } from "hono";

/** The reference page: one page, no script, nothing loaded from elsewhere. */
export function docsRoutes(_version: string) {
  return new Hono();
}
