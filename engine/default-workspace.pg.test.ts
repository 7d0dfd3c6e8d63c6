// What a server checks of its database before it serves.

import { expect, test } from "vitest";
import { startTestEngine } from "./testing/index.ts";
import { readKeyRing } from "./vault/vault.ts";

test("a server with another key ring does not start, and says which variable is wrong", async () => {
  const rotor = await startTestEngine();
  for (const kid of ["test", "new"]) {
    const keyRing = readKeyRing(`${kid}:${Buffer.alloc(32, 8).toString("base64")}`);
    await expect(rotor.startPeer({ keyRing })).rejects.toThrow(/^ROTOR_ENCRYPTION_KEY: is not the key ring/);
  }
  await rotor.stop();
});
