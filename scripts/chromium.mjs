import { findProgram } from "./find-program.mjs";

/** Where a browser for tests is, or a line that says why there is none. Fetches it if need be. */
export async function findChromium() {
  if (process.env.CHROME_PATH) return { path: process.env.CHROME_PATH };
  return findProgram({
    names: ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"],
    package: "chromium",
    unpacked: "usr/lib/chromium/chromium",
  });
}
