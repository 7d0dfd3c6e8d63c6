// Each starter project as somebody gets it: copied by the packed command line into an empty folder, on the packed SDK.
// It compiles, its tests pass, and against a real server it goes from its first event to its end.

import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { installPackedPackages, runIn } from "../sdk/testing/packed-packages.ts";
import { startWorkflowStage, type WorkflowStage } from "../sdk/testing/workflow-stage.ts";

let stage: WorkflowStage;
/** The folders of the projects lie in it, so that they share what is installed. */
let parent: string;
beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), "rotor-projects-"));
  [stage] = await Promise.all([startWorkflowStage(), installPackedPackages(parent)]);
}, 180_000);
afterAll(async () => {
  await stage?.stop();
  await rm(parent, { recursive: true, force: true });
});

type Act = (runId: string) => Promise<unknown>;
const nothing: Act = async () => {};
const approve: Act = async (runId) => {
  await stage.until(runId, "waiting");
  await stage.rotor.runs.approve(runId, { reason: "fine" });
};
const send =
  (name: string, data: object): Act =>
  async (runId) => {
    await stage.until(runId, ({ steps }) => steps.at(-1)?.status === "waiting");
    await stage.rotor.send(name, data);
  };

const cases: [name: string, acts: Act[], output: object][] = [
  [
    "outbound-with-approvals",
    [
      approve,
      (runId) => stage.until(runId, ({ steps }) => steps.some(({ name }) => name === "wait-for-reply")),
      send("outreach.replied", { contactId: "c_1", text: "yes" }),
    ],
    { status: "sent", replied: true },
  ],
  [
    "multi-step-outbound",
    [send("email.replied", { email: "ada@example.com" })],
    { status: "replied", sent: 1 },
  ],
  ["event-driven-enrichment", [nothing], { count: 5 }],
  ["scheduled-with-approval", [approve], { status: "delivered" }],
  ["enrichment-dag", [nothing], { score: 31 }],
  ["attribution-rollup", [nothing], { totals: { email: 150, ads: 80 } }],
  ["reply-classifier", [nothing], { intent: "interested" }],
];

test.each(cases)(
  "%s: copied, compiled, tested, and run to its end",
  async (name, acts, output) => {
    const folder = join(parent, name);
    await mkdir(folder);
    await runIn(folder, join(parent, "node_modules/.bin/rotor"), ["template", "apply", name]);
    await Promise.all([runIn(folder, "npm", ["run", "check"]), runIn(folder, "npm", ["test"])]);
    await fillInEnv(folder);
    const app = await stage.startProject(folder);
    await expect
      .poll(() => stage.rotor.functions.list(), { timeout: 30_000 })
      .toMatchObject({ data: expect.arrayContaining([expect.objectContaining({ id: name })]) });
    const runId = await startAsTold(name, folder);
    for (const act of acts) await act(runId);
    const run = await stage.until(runId, "completed");
    expect(run.output).toMatchObject(output);
    await app.stop();
  },
  120_000,
);

test("none is left out", async () => {
  const entries = await readdir(import.meta.dirname, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory() && entry.name !== "node_modules");
  expect(names.map(({ name }) => name)).toEqual(cases.map(([name]) => name).sort());
});

test.each(cases)("%s asks for the tools that this repository is tested with", async (name) => {
  const read = async (path: string) => JSON.parse(await readFile(new URL(path, import.meta.url), "utf8"));
  const { devDependencies, engines } = await read(`./${name}/package.json`);
  const root = await read("../package.json");
  const { "@rotorsh/cli": own, ...tools } = devDependencies;
  expect(root.devDependencies).toMatchObject(tools);
  expect(own).toBe(`^${root.version}`);
  expect(engines).toEqual(root.engines);
});

/** By the command of its README, with the command line that the project has. */
async function startAsTold(workflow: string, folder: string): Promise<string> {
  const readme = await readFile(join(folder, "README.md"), "utf8");
  const command = /npx rotor (?:events send|functions trigger) [^`\n]+/.exec(readme)?.[0] ?? "";
  const env = { ROTOR_API_URL: stage.server.url, ROTOR_API_KEY: stage.apiKey };
  await runIn(folder, "sh", ["-c", command.replace("npx", "npx --offline")], env);
  const runs = () => stage.rotor.runs.list({ workflow });
  await expect.poll(async () => (await runs()).data.length, { timeout: 15_000 }).toBe(1);
  return (await runs()).data[0]?.id as string;
}

/** What the README says to do: `cp .env.example .env`, then fill in the keys. */
async function fillInEnv(folder: string): Promise<void> {
  const port = String(await freePort());
  const values: Record<string, string> = {
    ROTOR_API_URL: stage.server.url,
    ROTOR_API_KEY: stage.apiKey,
    ROTOR_SIGNING_KEY: stage.signingKey,
    ROTOR_SERVE_URL: `http://127.0.0.1:${port}/api/rotor`,
    PORT: port,
  };
  const example = await readFile(join(folder, ".env.example"), "utf8");
  for (const name of Object.keys(values)) expect(example).toContain(`${name}=`);
  const filled = example.replaceAll(
    /^([A-Z_]+)=(.*)$/gm,
    (_, name, value) => `${name}=${values[name] ?? value}`,
  );
  await writeFile(join(folder, ".env"), filled);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
