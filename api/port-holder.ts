import { type DevKeys, readDevKeys } from "./dev-files.ts";

export type Holder =
  | { kind: "this server"; keys: DevKeys }
  | { kind: "another server" }
  | { kind: "another program" };

const probeMs = 2000;

/** Who answers on a port that is taken: the server of this very data folder, another Rotor, or something else. */
export async function findHolder(url: string, dataDir: string): Promise<Holder> {
  const keys = await readDevKeys(dataDir);
  const answer = await probe(`${url}/v1/whoami`, keys?.apiKey);
  if (!answer) return { kind: "another program" };
  if (keys && answer.status === 200) return { kind: "this server", keys };
  return answer.headers.has("x-request-id") ? { kind: "another server" } : { kind: "another program" };
}

async function probe(url: string, apiKey: string | undefined): Promise<Response | undefined> {
  try {
    const headers = apiKey ? { authorization: `Bearer ${apiKey}` } : {};
    return await fetch(url, { headers, signal: AbortSignal.timeout(probeMs) });
  } catch {
    // Nothing there that speaks HTTP: that is the answer.
    return undefined;
  }
}
