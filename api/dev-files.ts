// What a dev server keeps in its data folder, so that a second start has the same keys as the first. Readable
// by its owner only.

import { randomBytes } from "node:crypto";
import { chmod, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type KeyRing, mintKey, mintSigningKey, readKeyRing } from "@rotorsh/engine";
import { z } from "zod";
import { ConfigError } from "./config.ts";
import { opens } from "./probe.ts";

const text = z.string().min(1);
const DevKeys = z.object({
  url: text,
  apiKey: text,
  agentKey: text,
  adminToken: text,
  signingKey: text,
});
export type DevKeys = z.infer<typeof DevKeys>;

const ownerOnly = 0o600;

export async function readDevKeys(dataDir: string): Promise<DevKeys | undefined> {
  const path = join(dataDir, "dev.json");
  const text = await readIfThere(path);
  return text === undefined ? undefined : parseDevKeys(text, path);
}

function parseDevKeys(text: string, path: string): DevKeys {
  try {
    return DevKeys.parse(JSON.parse(text));
  } catch {
    throw new ConfigError(
      `ROTOR_DATA_DIR: ${path} is damaged. Delete it to get new keys, or choose another folder. Example: ROTOR_DATA_DIR=.rotor`,
    );
  }
}

/**
 * The keys of this folder; made at the first start. `given` wins over what was kept, but for the address while
 * another server of this folder answers there.
 */
export async function ensureDevKeys(
  dataDir: string,
  given: { url: string } & Partial<DevKeys>,
): Promise<DevKeys> {
  const kept = await readDevKeys(dataDir);
  const isElsewhere = kept !== undefined && kept.url !== given.url && (await opens(kept.url, kept.apiKey));
  const keys = {
    url: given.url,
    apiKey: given.apiKey ?? kept?.apiKey ?? mintKey("workspace").token,
    agentKey: kept?.agentKey ?? mintKey("workspace").token,
    signingKey: given.signingKey ?? kept?.signingKey ?? mintSigningKey(),
    adminToken: given.adminToken ?? kept?.adminToken ?? randomBytes(32).toString("hex"),
  };
  const told = isElsewhere ? { ...keys, url: kept.url } : keys;
  await writePrivate(dataDir, "dev.json", `${JSON.stringify(told, null, 2)}\n`);
  return keys;
}

export async function ensureDevKeyRing(dataDir: string): Promise<KeyRing> {
  const kept = await readIfThere(join(dataDir, "encryption.key"));
  const text = kept ?? `dev:${randomBytes(32).toString("base64")}`;
  if (kept === undefined) await writePrivate(dataDir, "encryption.key", text);
  return readKeyRing(text);
}

/** Whole or not at all: a crash half-way through must not leave half a file. */
async function writePrivate(dataDir: string, name: string, text: string): Promise<void> {
  await mkdir(dataDir, { recursive: true });
  const path = join(dataDir, name);
  const temporary = `${path}.${process.pid}`;
  await writeFile(temporary, text, { mode: ownerOnly });
  await chmod(temporary, ownerOnly);
  await rename(temporary, path);
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
