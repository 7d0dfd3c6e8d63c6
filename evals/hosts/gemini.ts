import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { complaint, type Host, root } from "../host.ts";

const plugin = join(root, "plugin");

/** Its manifest only: the program's own model cannot be replaced by a script. */
export const gemini: Host = {
  package: "@google/gemini-cli@0.61.0",
  program: "node_modules/.bin/gemini",
  checks: (_server, home, run) => [
    {
      name: "gemini extensions validate",
      run: async () => complaint(await run(["extensions", "validate", plugin])),
    },
    {
      name: "gemini extensions install: the server and the skills are there",
      run: async () => {
        await mkdir(join(home, ".gemini"), { recursive: true });
        await writeFile(
          join(home, ".gemini", "trustedFolders.json"),
          JSON.stringify({ [plugin]: "TRUST_FOLDER" }),
        );
        const flags = ["--consent", "--skip-settings"];
        const installed = await run(["extensions", "install", plugin, ...flags]);
        if (installed.code !== 0) return complaint(installed);
        const { output } = await run(["extensions", "list"]);
        return /MCP servers:\s+rotor/.test(output) && output.includes("debug-run:") ? "" : output;
      },
    },
  ],
};
