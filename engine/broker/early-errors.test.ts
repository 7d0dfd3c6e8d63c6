import { EventEmitter } from "node:events";
import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { keepEarlyErrors } from "./early-errors.ts";

class Connection extends EventEmitter {}
keepEarlyErrors(Connection.prototype);

test("an error that nobody listens to does not throw, and is told to whoever listens first", async () => {
  const connection = new Connection();
  expect(connection.emit("error", new Error("cut off"))).toBe(false);
  connection.on("end", () => {});
  const heard: string[] = [];
  connection.on("error", (error) => heard.push(error.message));
  connection.on("error", () => {});
  await turn();
  await turn();
  expect(heard).toEqual(["cut off"]);
});

test("with a listener, errors and other events go their way at once", () => {
  const connection = new Connection();
  const heard: unknown[] = [];
  connection.on("error", (error) => heard.push(error.message));
  connection.on("end", (why) => heard.push(why));
  connection.emit("error", new Error("first"));
  connection.emit("end", "second");
  expect(heard).toEqual(["first", "second"]);
});
