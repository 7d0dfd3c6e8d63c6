// The routes of the contract. This file knows no operation by name.

import {
  contract,
  isRead,
  listOperations,
  type Operation,
  type OperationTree,
  RotorError,
  routeOf,
} from "@rotorsh/contract";
import type { App, AppContext } from "./app.ts";
import { authenticate, type Gate } from "./credentials.ts";
import { csvStream } from "./csv.ts";
import { closedSignal, nodeHttpOf } from "./node-http.ts";
import { readInput } from "./read-input.ts";
import { respond } from "./respond.ts";

export function mountOperations(app: App, gate: Gate): void {
  const methods = new Map<string, string[]>();
  for (const { operation } of listOperations(contract as OperationTree)) {
    const { method, path } = routeOf(operation);
    const pattern = path.replaceAll(/\{(\w+)\}/g, ":$1");
    methods.set(pattern, [...(methods.get(pattern) ?? []), method]);
    app.on(method, pattern, (c) => serve(c, operation, gate));
  }
  for (const [pattern, allowed] of methods) {
    app.all(pattern, (c) => {
      c.header("allow", [...allowed, ...(allowed.includes("GET") ? ["HEAD"] : [])].join(", "));
      throw new RotorError("METHOD_NOT_ALLOWED");
    });
  }
}

async function serve(c: AppContext, operation: Operation, gate: Gate): Promise<Response> {
  const caller = await authenticate(c, operation, gate);
  const input = await readInput(c, operation);
  const perform = gate.engine.perform;
  if (operation.csv && input.format === "csv") {
    const { format: _, ...filter } = input;
    const readPage = async (page: object) => (await perform(caller, operation, { ...filter, ...page })).body;
    // A wrong filter must be an error, not the first line of a file.
    await readPage({ limit: 1 });
    return c.body(csvStream(operation, readPage), 200, {
      "content-type": "text/csv; charset=utf-8",
      "content-disposition": `attachment; filename="${routeOf(operation).path.split("/").at(-1)}.csv"`,
    });
  }
  const idempotencyKey = isRead(operation) ? undefined : c.req.header("idempotency-key");
  const options = {
    ...(idempotencyKey !== undefined && { idempotencyKey }),
    // Made only when somebody asks for it.
    get signal() {
      const node = nodeHttpOf(c);
      return node ? closedSignal(node) : c.req.raw.signal;
    },
  };
  return respond(c, await perform(caller, operation, input, options));
}
