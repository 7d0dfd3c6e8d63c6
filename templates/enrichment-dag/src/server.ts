import { createServer } from "node:http";
import { workflowListener } from "@rotorsh/sdk";
import { port, serveUrl } from "./config.ts";
import { functions } from "./workflows.ts";

// Registers the workflows at the start, and runs their steps when the Rotor server asks for it.
createServer(workflowListener({ functions, serveUrl })).listen(port, () => {
  console.log(`Serving ${functions.map(({ id }) => id).join(", ")} at ${serveUrl}`);
});
