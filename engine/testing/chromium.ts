// Vitest global set-up: provides the path of a Chromium as `inject("chromium")`.

import type { TestProject } from "vitest/node";
import { findChromium } from "../../scripts/chromium.mjs";
import { lacks } from "./missing.ts";

declare module "vitest" {
  interface ProvidedContext {
    chromium: string;
  }
}

export async function setup(project: TestProject): Promise<undefined> {
  const found = await findChromium();
  if ("missing" in found) return lacks(project, found.missing);
  project.provide("chromium", found.path);
}
