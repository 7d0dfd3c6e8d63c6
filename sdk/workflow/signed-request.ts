// Reads a request of the server: nothing of it is looked at before its signature fits.

import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import type { DriveRequest } from "@rotorsh/contract";
import { type HeadersLike, headerOf } from "../headers.ts";
import { verifyRotorSignature } from "../signature.ts";
import { Refusal } from "./refusal.ts";

/** Everything the server may send: 32 MB of step results, and the event. */
export const largestBodyBytes = 40 * 1024 * 1024;

const unpack = promisify(gunzip);

/** `body` is exactly what was received. */
export async function readSigned(
  body: Uint8Array,
  headers: HeadersLike,
  signingKey: string | undefined,
): Promise<DriveRequest> {
  if (!signingKey)
    throw new Refusal(500, "This app has no signing key: set ROTOR_SIGNING_KEY, or pass `signingKey`.");
  const id = headerOf(headers, "x-rotor-run-id");
  const timestamp = headerOf(headers, "x-rotor-timestamp");
  const signature = headerOf(headers, "x-rotor-signature");
  if (!id || !timestamp || !signature) throw new Refusal(401, "The request is not signed.");
  if (Math.abs(Date.now() / 1000 - Number(timestamp)) > 300)
    throw new Refusal(401, "The request is older than 5 minutes, or the clocks differ by more than that.");
  if (!verifyRotorSignature(body, signature, signingKey, { id, timestamp }))
    throw new Refusal(401, "The signature does not fit this app's signing key and the body as it arrived.");
  const request = parse(await text(body, headers));
  if (request?.v !== 1 || request.run?.id !== id)
    throw new Refusal(400, "The request is not understood; the server may be newer than this SDK.");
  return request;
}

async function text(body: Uint8Array, headers: HeadersLike): Promise<string> {
  if (headerOf(headers, "content-encoding") !== "gzip") return Buffer.from(body).toString();
  try {
    return (await unpack(body, { maxOutputLength: largestBodyBytes })).toString();
  } catch {
    throw new Refusal(400, "The body cannot be unpacked.");
  }
}

function parse(text: string): DriveRequest | undefined {
  try {
    return JSON.parse(text) as DriveRequest;
  } catch {
    throw new Refusal(400, "The body is not JSON.");
  }
}
