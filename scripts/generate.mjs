// Writes every generated file, or with --check says which ones are not what they would be.
// Each module in scripts/generators exports `generate()`, which answers with texts by path.

import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { root } from "./paths.mjs";

const folder = join(root, "scripts", "generators");
const checkOnly = process.argv.includes("--check");

for (const name of await readIfThere(() => readdir(folder), [])) {
  const { generate } = await import(pathToFileURL(join(folder, name)).href);
  for (const [path, text] of Object.entries(await generate())) {
    const file = join(root, path);
    if ((await readIfThere(() => readFile(file, "utf8"))) === text) continue;
    if (checkOnly) {
      console.log(`${path} is not what scripts/generators/${name} makes: run npm run generate`);
      process.exitCode = 1;
    } else {
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, text);
    }
  }
}

async function readIfThere(read, absent) {
  try {
    return await read();
  } catch (error) {
    if (error.code === "ENOENT") return absent;
    throw error;
  }
}
