// The example as a newcomer runs it: in a process of its own, against a real server.

import { exec } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type AppProcess, startWorkflowStage, type WorkflowStage } from "../../sdk/testing/workflow-stage.ts";

let stage: WorkflowStage;
/** The data folder, in which `npm start` leaves the address and the keys. */
let folder: string;

beforeAll(async () => {
  stage = await startWorkflowStage();
  folder = mkdtempSync(join(tmpdir(), "rotor-example-"));
  const { apiKey, signingKey, server } = stage;
  writeFileSync(join(folder, "dev.json"), JSON.stringify({ url: server.url, apiKey, signingKey }));
});

afterAll(async () => {
  await stage?.stop();
  rmSync(folder, { recursive: true });
});

const program = new URL("./app.ts", import.meta.url);

const says = (app: AppProcess, part: string) =>
  vi.waitFor(() => expect(app.said).toContainEqual(expect.stringContaining(part)), {
    timeout: 15_000,
    interval: 50,
  });

/** Pastes the last command that was printed into a terminal where nothing is set. */
async function paste(app: AppProcess): Promise<void> {
  const command = app.said.findLast((line) => line.startsWith("    npx rotor ")) as string;
  const cli = fileURLToPath(new URL("../../cli/index.ts", import.meta.url));
  const source = `"${process.execPath}" --conditions=@rotorsh/source --import tsx "${cli}"`;
  const env = { PATH: process.env.PATH, HOME: folder };
  await promisify(exec)(command.replace("npx rotor", source), { env });
}

test("a campaign sleeps, is enriched, approved and opened by the commands that it prints", async () => {
  const unset = { ROTOR_API_URL: "", ROTOR_API_KEY: "", ROTOR_SIGNING_KEY: "" };
  const env = { ...unset, ROTOR_DATA_DIR: folder, EXAMPLE_PORT: "0" };
  const app = await stage.startApp(program, ["c_ada", "1h"], env);
  await says(app, "initial-delay: sleeping");
  await stage.moveClock("1 hour");
  await says(app, "approval-gate: waiting. Approve it, in another terminal in this folder:");
  expect(app.said).toContain("Going on with Ada.");
  await paste(app);
  await says(app, "wait-for-open: waiting. Open the mail, in another terminal in this folder:");
  await stage.rotor.send("email.opened", { contactId: "c_bob" });
  await paste(app);
  expect(await app.exited).toBe(0);
  expect(app.said.at(-1)).toBe(
    'The run is completed: {"status":"complete","contactId":"c_ada","score":82,"emailOpened":true}',
  );
  const { data } = await stage.rotor.events.list({ name: "analytics/contact.scored" });
  expect(data).toHaveLength(1);
}, 60_000);

test("a key of the environment is not printed; it says that the command needs it", async () => {
  const app = await stage.startApp(program, ["c_ada", "0s"], { EXAMPLE_PORT: "0" });
  await says(app, "in another terminal in this folder, where ROTOR_API_KEY is set as here:");
  expect(app.said.join("\n")).not.toContain(stage.apiKey);
  expect(app.said).toContainEqual(expect.stringMatching(/^ {4}npx rotor runs approve \S+ --url http\S+$/));
});
