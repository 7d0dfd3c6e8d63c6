// An app that serves workflows in a process of its own, as users run it: `workflow-app.ts <adapter> <suffix of ids> <edition> <port>`.

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import express from "express";
import { Hono } from "hono";
import {
  type ServeOptions,
  serveWorkflow,
  syncWorkflows,
  workflowListener,
  workflowRoute,
} from "../index.ts";
import { edition, functions, steps } from "./workflow-functions.ts";

const [adapter = "node", suffix = "", editionName = "first", port = "0"] = process.argv.slice(2);
const served = suffix === "" ? functions : [steps(suffix), edition(editionName, suffix)];
const options: ServeOptions = { functions: served, sync: false, stepTimeout: "3s" };

const adapters: Record<string, () => Server> = {
  node: () => createServer(workflowListener(options)).listen(Number(port), "127.0.0.1"),
  hono() {
    const app = new Hono();
    serveWorkflow(app, options);
    return serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 }) as Server;
  },
  express() {
    const app = express();
    serveWorkflow(app, options);
    app.use(express.json());
    return app.listen(Number(port), "127.0.0.1");
  },
  "express after json"() {
    const app = express();
    app.use(express.json());
    serveWorkflow(app, options);
    return app.listen(Number(port), "127.0.0.1");
  },
  /** Next.js calls the exported functions of a route with a Request. */
  route() {
    const { POST } = workflowRoute({ ...options, budget: "10s" });
    return serve({ fetch: (request) => POST(request), hostname: "127.0.0.1", port: 0 }) as Server;
  },
};

const server = (adapters[adapter] as () => Server)();
if (!server.listening) await new Promise((resolve) => server.once("listening", resolve));
const serveUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/rotor`;
if (process.env.ROTOR_API_KEY) await syncWorkflows({ functions: served, serveUrl });
console.log(`serves ${serveUrl}`);
