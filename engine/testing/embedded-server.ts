// A process that uses the embedded Postgres, for tests that kill it: started by `fork` with a data directory and,
// when root should become someone else, a user id. Any message stops it.

import { locatePackage } from "../embedded/binaries.ts";
import { startEmbeddedPostgres } from "../embedded/index.ts";

const [dataDir = "", uid] = process.argv.slice(2);
if (uid) {
  // Seen while we still may: the other user may not be able to read this checkout.
  locatePackage();
  process.setgroups?.([]);
  process.setgid?.(Number(uid));
  process.setuid?.(Number(uid));
}
const { url, pid, adopted, stop } = await startEmbeddedPostgres({ dataDir, durability: "throwaway" });
process.send?.({ url, pid, adopted });
process.once("message", async () => {
  await stop();
  process.disconnect?.();
});
