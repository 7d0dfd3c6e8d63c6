// pg tells of a lost connection as an event, and an `error` that nobody listens to ends the process. BullMQ listens
// from a moment after it has connected, and not while a connection of its pool is on loan: an error that comes
// in between is kept until somebody listens.

import { EventEmitter } from "node:events";

type Emitter = Pick<EventEmitter, "emit">;

/** `prototype` is that of pg's Client: BullMQ makes its connections itself, so there is no other place to do this. */
export function keepEarlyErrors(prototype: Emitter): void {
  prototype.emit = function emit(this: EventEmitter, event: string | symbol, ...args: unknown[]): boolean {
    if (event !== "error" || this.listenerCount("error") > 0) {
      return EventEmitter.prototype.emit.call(this, event, ...args);
    }
    const tell = (added: string | symbol) => {
      if (added !== "error") return;
      this.off("newListener", tell);
      // Only then it is among the listeners, and whoever adds it has said what it belongs to.
      setImmediate(() => this.emit("error", ...args));
    };
    this.on("newListener", tell);
    return false;
  };
}
