// `npm run example`, beside a server that `npm start` runs: serves two workflows, starts a campaign, and says what
// the run waits for.

import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import { Rotor, serveWorkflow, syncWorkflows } from "@rotorsh/sdk";
import { Hono } from "hono";
import { config } from "./config.ts";
import { campaign, contactEnricher } from "./workflows.ts";

const functions = [campaign, contactEnricher];
const rotor = new Rotor(config.client);

const app = new Hono();
serveWorkflow(app, { functions, signingKey: config.signingKey, sync: false });
const server = serve({ fetch: app.fetch, hostname: "127.0.0.1", port: config.port });
if (!server.listening) await new Promise((resolve) => server.once("listening", resolve));
const { port } = server.address() as AddressInfo;

await syncWorkflows({ functions, rotor, serveUrl: `http://127.0.0.1:${port}/api/rotor` });
console.log(`Serving ${functions.map(({ id }) => id).join(" and ")} on port ${port}.`);

const contactId = process.argv[2] ?? "c_ada";
const { run_id: runId } = await rotor.workflow.trigger("campaign", {
  contactId,
  delay: process.argv[3] ?? "5s",
});
console.log(`Started ${runId}.`);

const flags = config.flags.map((flag) => ` ${flag}`).join("");
const terminal = `in another terminal in this folder${config.isKeyHidden ? ", where ROTOR_API_KEY is set as here" : ""}`;
/** What somebody has to do for the run to go on. */
const hints: Record<string, string> = {
  "approval-gate": `Approve it, ${terminal}:
    npx rotor runs approve ${runId}${flags}`,
  "wait-for-open": `Open the mail, ${terminal}:
    npx rotor events send email.opened --data '{"contactId":"${contactId}"}'${flags}`,
};

for (const said = new Set<string>(); ; await new Promise((resolve) => setTimeout(resolve, 250))) {
  const run = await rotor.runs.get(runId as string);
  for (const { name, status } of run.steps)
    say(`  ${name}: ${status}${status === "waiting" && hints[name] ? `. ${hints[name]}` : ""}`);
  if (run.ended_at === null) continue;
  say(`The run is ${run.status}: ${JSON.stringify(run.output ?? run.error)}`);
  process.exit(run.status === "completed" ? 0 : 1);

  function say(line: string): void {
    if (!said.has(line)) console.log(line);
    said.add(line);
  }
}
