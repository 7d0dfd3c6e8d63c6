import { createServer } from "node:http";
import { workflowListener } from "@rotorsh/sdk";
import { functions } from "./workflows.ts";

const port = Number(process.env.PORT ?? 3000);
const serveUrl = process.env.ROTOR_SERVE_URL ?? `http://127.0.0.1:${port}/api/rotor`;

// Registers the workflows at the start, and runs their steps when the Rotor server asks for it.
createServer(workflowListener({ functions, serveUrl })).listen(port, () => {
  console.log(`serving ${functions.map(({ id }) => id).join(", ")} at ${serveUrl}`);
});
