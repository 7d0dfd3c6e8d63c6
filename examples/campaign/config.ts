// Keys and addresses: from the environment, or else those that `npm start` has left in its data folder.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

type DevKeys = { url?: string; apiKey?: string; signingKey?: string };

const dev = readDevKeys(
  process.env.ROTOR_DATA_DIR
    ? `${process.env.ROTOR_DATA_DIR}/dev.json`
    : fileURLToPath(new URL("../../.rotor/dev.json", import.meta.url)),
);

const [url, apiKey] = [process.env.ROTOR_API_URL ?? dev.url, process.env.ROTOR_API_KEY ?? dev.apiKey];

export const config = {
  client: { ...(url && { url }), ...(apiKey && { apiKey }) },
  signingKey: process.env.ROTOR_SIGNING_KEY ?? dev.signingKey,
  port: Number(process.env.EXAMPLE_PORT ?? 3456),
};

function readDevKeys(path: string): DevKeys {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as DevKeys;
  } catch {
    return {};
  }
}
