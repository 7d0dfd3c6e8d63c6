// Keys and addresses: from the environment, or else those that `npm start` has left in its data folder.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

type DevKeys = { url?: string; apiKey?: string; signingKey?: string };

const dev = readDevKeys(
  process.env.ROTOR_DATA_DIR
    ? `${process.env.ROTOR_DATA_DIR}/dev.json`
    : fileURLToPath(new URL("../../.rotor/dev.json", import.meta.url)),
);

const { ROTOR_API_URL, ROTOR_API_KEY, ROTOR_SIGNING_KEY } = process.env;
const [url, apiKey] = [ROTOR_API_URL || dev.url, ROTOR_API_KEY || dev.apiKey];
/** Where programs look for the server when nobody says where it is. */
const usual = "http://127.0.0.1:8787";

export const config = {
  client: { ...(url && { url }), ...(apiKey && { apiKey }) },
  signingKey: ROTOR_SIGNING_KEY || dev.signingKey,
  /** What a command in another terminal needs; `npm start` has shown its own key anyway, others are not shown. */
  flags: [
    ...(url && url !== usual ? [`--url ${url}`] : []),
    ...(apiKey && !ROTOR_API_KEY ? [`--api-key ${apiKey}`] : []),
  ],
  isKeyHidden: Boolean(ROTOR_API_KEY),
  port: Number(process.env.EXAMPLE_PORT ?? 3456),
};

function readDevKeys(path: string): DevKeys {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as DevKeys;
  } catch {
    return {};
  }
}
