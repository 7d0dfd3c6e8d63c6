// What no engine on this Postgres can be below: one INSERT per step, and a POST that is answered after one commit.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import postgres from "postgres";
import { answer } from "../harness/child.ts";
import { type Load, type Loaded, repeat } from "../harness/load.ts";
import { result, tenSteps } from "./steps.ts";

let sql: postgres.Sql | undefined;
let runs = 0;

async function insert(index: number): Promise<void> {
  const run = `${process.pid}-${++runs}`;
  await sql?.unsafe(
    "insert into step (run_id, key, outcome) values ($1, $2, $3)",
    [run, index, JSON.stringify(result(index))],
    { prepare: true },
  );
}

const methods = {
  async open({ url }: { url: string }): Promise<string> {
    sql = postgres(url, { max: 32, onnotice: () => {} });
    await sql`create table step (run_id text, key int, outcome text, primary key (run_id, key))`;
    const server = createServer((request, response) => {
      request.resume().on("end", () => insert(0).then(() => response.end("{}")));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  },
  async rate({ load }: { load: Load }): Promise<Loaded> {
    return repeat(load, async () => {
      for (let index = 0; index < tenSteps; index++) await insert(index);
    });
  },
};
export type Floor = typeof methods;

answer(methods);
