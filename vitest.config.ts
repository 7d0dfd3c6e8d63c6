import { availableParallelism } from "node:os";
import { configDefaults, defineConfig } from "vitest/config";

// The suffix of a test file says what it needs; packages run from their sources.
const conditions = ["@rotorsh/source"];
const postgres = "engine/testing/postgres.ts";
const runner = "engine/testing/skipping-runner.ts";
const special = ["pg", "redis", "browser"].map((need) => `**/*.${need}.test.ts`);

export default defineConfig({
  ssr: { resolve: { conditions, externalConditions: conditions } },
  resolve: { conditions },
  test: {
    // Most tests wait for Postgres: on two cores, two files at a time take a fifth less than one.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    testTimeout: 20_000,
    hookTimeout: 60_000,
    // What is waited for may take longer on a busy machine; a second is the usual.
    expect: { poll: { timeout: 15_000, interval: 20 } },
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["**/*.test.ts", "scripts/*.test.mjs"],
          exclude: [...configDefaults.exclude, ...special],
          testTimeout: 20_000,
        },
      },
      {
        extends: true,
        test: { name: "pg", include: ["**/*.pg.test.ts"], globalSetup: [postgres] },
      },
      {
        extends: true,
        test: {
          name: "redis",
          runner,
          include: ["**/*.redis.test.ts"],
          globalSetup: [postgres, "engine/testing/redis.ts"],
        },
      },
      {
        extends: true,
        test: {
          name: "browser",
          runner,
          include: ["**/*.browser.test.ts"],
          globalSetup: [postgres, "engine/testing/chromium.ts"],
        },
      },
    ],
  },
});
