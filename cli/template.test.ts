import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { rotor } from "./testing/terminal.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "rotor-template-"));
});
afterEach(() => rm(folder, { recursive: true }));

const read = (name: string) => readFile(join(folder, name), "utf8");
const apply = (...more: string[]) => rotor(["template", "apply", "reply-classifier", folder, ...more]);

test("all starter projects are listed, each with what it is for", async () => {
  const { stdout } = await rotor(["template", "list", "--json"]);
  const { templates } = JSON.parse(stdout) as { templates: { name: string; description: string }[] };
  expect(templates.map(({ name }) => name).sort()).toEqual([
    "attribution-rollup",
    "enrichment-dag",
    "event-driven-enrichment",
    "multi-step-outbound",
    "outbound-with-approvals",
    "reply-classifier",
    "scheduled-with-approval",
  ]);
  for (const { description } of templates) expect(description).toMatch(/^[A-Z].{20,}/);
});

test.each(["apply", "add"])("%s copies one, and a second time changes nothing", async (verb) => {
  const first = await rotor(["template", verb, "reply-classifier", folder]);
  expect(first).toMatchObject({ exitCode: 0 });
  expect(await read("src/workflows.ts")).toContain("reply-classifier");
  expect(await read(".env.example")).toContain("ROTOR_SIGNING_KEY");
  const again = await rotor(["template", verb, "reply-classifier", folder, "--json"]);
  const { files } = JSON.parse(again.stdout) as { files: { kind: string }[] };
  expect(new Set(files.map(({ kind }) => kind))).toEqual(new Set(["same"]));
});

test("a project's package.json gets what it lacks, and keeps what it has", async () => {
  const mine = { name: "mine", scripts: { test: "jest" }, dependencies: { hono: "^4.0.0" } };
  await writeFile(join(folder, "package.json"), JSON.stringify(mine));
  await apply();
  expect(JSON.parse(await read("package.json"))).toMatchObject({
    name: "mine",
    scripts: { test: "jest", check: "tsc --noEmit" },
    dependencies: { hono: "^4.0.0", "@rotorsh/sdk": "^0.1.0" },
  });
});

test("its keys stay out of the repository, and a project's own list of what to leave out stays", async () => {
  await apply();
  expect((await read(".gitignore")).split("\n")).toContain(".env");
  await writeFile(join(folder, ".gitignore"), "mine");
  expect(await apply("--force")).toMatchObject({ exitCode: 0 });
  expect(await read(".gitignore")).toBe("mine");
});

test("what somebody wrote is overwritten only when told to", async () => {
  await writeFile(join(folder, "README.md"), "mine");
  const refused = await apply();
  expect(refused).toMatchObject({ exitCode: 2, stdout: "" });
  expect(refused.stderr).toContain("README.md");
  await expect(read("src/workflows.ts")).rejects.toThrow("ENOENT");
  await apply("--keep");
  expect(await read("README.md")).toBe("mine");
  expect(await read("src/workflows.ts")).toContain("reply-classifier");
  await apply("--force");
  expect(await read("README.md")).toContain("# reply-classifier");
});

test("on a terminal it asks, and no keeps the file", async () => {
  await writeFile(join(folder, "README.md"), "mine");
  const session = { isTerminal: true, input: "n\n" };
  const asked = await rotor(["template", "apply", "reply-classifier", folder], session);
  expect(asked.stderr).toContain("Overwrite README.md?");
  expect(await read("README.md")).toBe("mine");
  expect(await read("src/workflows.ts")).toContain("reply-classifier");
});

test("an unknown name is answered with the nearest one", async () => {
  const { exitCode, stderr } = await rotor(["template", "apply", "reply-clasifier"]);
  expect(exitCode).toBe(2);
  expect(stderr).toContain("Did you mean reply-classifier?");
});
