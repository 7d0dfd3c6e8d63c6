// Vitest global set-up: provides the address of a Redis as `inject("redis")`.

import type { TestProject } from "vitest/node";
import { findRedis, startRedis } from "../../scripts/redis.mjs";
import { lacks } from "./missing.ts";

declare module "vitest" {
  interface ProvidedContext {
    redis: string;
  }
}

export async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const found = await findRedis();
  if ("missing" in found) return lacks(project, found.missing);
  const { url, stop } = await startRedis(found);
  project.provide("redis", url);
  return stop;
}
