// Errors of methods that have no result of their own to say them in (resources, prompts, tasks).

import { ProtocolError, ProtocolErrorCode } from "@modelcontextprotocol/server";
import { isRotorError, RotorError } from "@rotorsh/contract";
import type { Session } from "./server.ts";

/** Turns our errors into the protocol's, with code, message and hint; what is not expected is reported. */
export async function guarded<T>(session: Session, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    if (cause instanceof ProtocolError) throw cause;
    const error = isRotorError(cause) ? cause : new RotorError("INTERNAL", {}, { cause });
    const isOurs = error.status >= 500;
    if (isOurs)
      session.onError?.(error.code === "INTERNAL" ? (error.cause ?? error) : error, session.requestId);
    const code = isOurs ? ProtocolErrorCode.InternalError : ProtocolErrorCode.InvalidParams;
    throw new ProtocolError(
      code,
      `${error.message} ${error.hint ?? ""}`.trim(),
      error.toBody(session.requestId).error,
    );
  }
}
