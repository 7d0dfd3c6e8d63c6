// `npm run bench -- [name] [arguments]`: one benchmark, or all of them in turn.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { fail } from "./fail.mjs";
import { install } from "./install.mjs";
import { root } from "./paths.mjs";

const [wanted, ...rest] = process.argv.slice(2);
const entries = await readdir(join(root, "bench"), { withFileTypes: true });
const names = entries
  .filter((entry) => entry.isFile() && /^[a-z-]+\.ts$/.test(entry.name))
  .map(({ name }) => name.slice(0, -".ts".length))
  .sort();
if (wanted && !names.includes(wanted)) {
  fail(`there is no benchmark ${wanted}; there ${names.length ? `is ${names.join(", ")}` : "are none"}`);
}

await install().catch(fail);
for (const name of wanted ? [wanted] : names) {
  const args = [
    "--import",
    "tsx",
    "--conditions=@rotorsh/source",
    join(root, "bench", `${name}.ts`),
    ...rest,
  ];
  const child = spawn(process.execPath, args, { cwd: root, stdio: "inherit" });
  const [code] = await once(child, "exit");
  if (code !== 0) process.exit(code ?? 1);
}
