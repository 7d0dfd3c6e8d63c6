// A database of a test file's own: a clone of the migrated template.

import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { inject } from "vitest";
import { isErrno } from "../embedded/errno.ts";
import { execute, inDatabase } from "./execute.ts";

export type TestDatabase = { url: string; drop(): Promise<void> };

export async function createTestDatabase(): Promise<TestDatabase> {
  const { server, template } = inject("postgres");
  const name = `rotor_test_${randomBytes(6).toString("hex")}`;
  await clone(server, name, template);
  return {
    url: inDatabase(server, name),
    drop: () => execute(server, `drop database if exists ${name} with (force)`),
  };
}

/** Postgres refuses while anyone, autovacuum too, looks at the template. */
async function clone(server: string, name: string, template: string, attempt = 1): Promise<void> {
  try {
    await execute(server, `create database ${name} template ${template}`);
  } catch (error) {
    if (!isErrno(error, "55006") || attempt === 20) throw error;
    await delay(50 * attempt);
    await clone(server, name, template, attempt + 1);
  }
}
