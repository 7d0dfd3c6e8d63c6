// Only this folder opens connections to addresses that come from outside. The linter refuses the imports; this
// refuses what needs no import.

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** The door itself; what speaks to loopback only, to learn who holds the port; what starts Postgres; tests. */
const excepted = [
  /^engine\/outbound\//,
  /^api\/(port-holder|probe)\.ts$/,
  /^engine\/embedded\//,
  /\/testing\//,
  /\.test\.ts$/,
];

/** A call of the global `fetch` or a mention of it, but no method or parameter of that name. */
const doors = [
  /(?<![\w.$]|function )fetch\(/,
  /\bglobalThis\s*(\.|\?\.|\[["'])fetch/,
  /\bnew (WebSocket|EventSource)\(/,
  /\bprocess\.(binding|getBuiltinModule)\(/,
  /\b(require|createRequire)\(/,
];

async function sources(folder: string): Promise<string[]> {
  const entries = await readdir(join(root, folder), { recursive: true });
  return entries
    .map((entry) => `${folder}/${entry.replaceAll("\\", "/")}`)
    .filter((path) => path.endsWith(".ts") && !/\/(dist|node_modules)\//.test(path))
    .filter((path) => !excepted.some((exception) => exception.test(path)));
}

test("nothing else in engine and api can reach the network without an import", async () => {
  const paths = [...(await sources("engine")), ...(await sources("api"))];
  expect(paths).toContain("engine/engine.ts");
  const found: string[] = [];
  for (const path of paths) {
    const lines = (await readFile(join(root, path), "utf8")).split("\n");
    for (const [index, line] of lines.entries()) {
      if (doors.some((door) => door.test(line))) found.push(`${path}:${index + 1} ${line.trim()}`);
    }
  }
  expect(found).toEqual([]);
});

test.each([
  ["await fetch(url)", true],
  ["return fetch(url + path)", true],
  ["globalThis.fetch", true],
  ['globalThis["fetch"]', true],
  ["new WebSocket(url)", true],
  ["app.fetch(request)", false],
  ["prefetch(url)", false],
  ["serve(fetch: Fetch): void", false],
])("%s: is a door: %s", (line, isDoor) => {
  expect(doors.some((door) => door.test(line))).toBe(isDoor);
});

test("the linter refuses the imports", async () => {
  const text = await readFile(join(root, "biome.json"), "utf8");
  const { overrides } = JSON.parse(text) as { overrides: { includes: string[]; linter: unknown }[] };
  const rule = overrides.find(
    ({ includes }) => includes.includes("engine/**") && includes.includes("api/**"),
  );
  const refused = JSON.stringify(rule?.linter);
  for (const name of [
    "undici",
    "node:http",
    "node:https",
    "node:http2",
    "node:net",
    "node:tls",
    "node:dgram",
  ]) {
    expect(refused).toContain(`"${name}"`);
  }
});
