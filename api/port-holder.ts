import { type DevKeys, readDevKeys } from "./dev-files.ts";
import { probe } from "./probe.ts";

export type Holder =
  | { kind: "this server"; keys: DevKeys }
  | { kind: "another server" }
  | { kind: "another program" };

/** Who answers on a port that is taken: the server of this very data folder, another Rotor, or something else. */
export async function findHolder(url: string, dataDir: string): Promise<Holder> {
  const keys = await readDevKeys(dataDir);
  const answer = await probe(`${url}/v1/whoami`, keys?.apiKey);
  if (!answer) return { kind: "another program" };
  if (keys && answer.status === 200) return { kind: "this server", keys };
  return answer.headers.has("x-request-id") ? { kind: "another server" } : { kind: "another program" };
}
