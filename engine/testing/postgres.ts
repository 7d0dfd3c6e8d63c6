// Vitest global set-up: one Postgres for the run with a migrated template in it, which each test file clones.

import { randomBytes } from "node:crypto";
import { chmod, mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { migrateBroker } from "../broker/postgres.ts";
import { startEmbeddedPostgres } from "../embedded/index.ts";
import { migrate } from "../store/migrate.ts";
import { execute, inDatabase } from "./execute.ts";

type Template = { server: string; template: string };
type Shared = { users: number; ready: Promise<Template & { stop(): Promise<void> }> };

declare module "vitest" {
  interface ProvidedContext {
    postgres: Template;
  }
}

// Vitest loads this module once per project; they share the server all the same.
const registry: { rotorTestPostgres?: Shared } = globalThis as object;

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  registry.rotorTestPostgres ??= { users: 0, ready: prepare() };
  const shared = registry.rotorTestPostgres;
  shared.users++;
  const { server, template, stop } = await shared.ready;
  project.provide("postgres", { server, template });
  return async () => {
    if (--shared.users > 0) return;
    delete registry.rotorTestPostgres;
    await stop();
  };
}

async function prepare() {
  const { url: server, stop } = await openServer();
  try {
    const template = `rotor_template_${randomBytes(6).toString("hex")}`;
    await execute(server, `create database ${template}`);
    await migrate(inDatabase(server, template));
    await migrateBroker(inDatabase(server, template));
    await execute(server, `alter database ${template} with is_template true allow_connections false`);
    return {
      server,
      template,
      async stop() {
        await execute(server, `alter database ${template} with is_template false`);
        await execute(server, `drop database ${template} with (force)`);
        await stop();
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function openServer(): Promise<{ url: string; stop(): Promise<void> }> {
  const url = process.env.ROTOR_TEST_DATABASE_URL;
  if (url) return { url, stop: async () => {} };
  const dataDir = await mkdtemp(join(tmpdir(), "rotor-test-"));
  // Run by root, Postgres has another account, which must be able to enter.
  await chmod(dataDir, 0o711);
  const server = await startEmbeddedPostgres({ dataDir, durability: "throwaway", log: console.error });
  return {
    url: server.url,
    async stop() {
      await server.stop();
      await rm(await realpath(join(dataDir, "postgres")), { recursive: true });
      await rm(dataDir, { recursive: true });
    },
  };
}
