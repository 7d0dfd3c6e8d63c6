// A POST at the least cost: a workflow sends one for every step.

import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";

const options = { keepAlive: true, maxSockets: 256 };
const http = { request: httpRequest, agent: new HttpAgent(options) };
const https = { request: httpsRequest, agent: new HttpsAgent(options) };

export type Posted = { status: number; text: string };

/** Rejects when there was no whole answer within the time. */
export function post(
  url: string,
  headers: Record<string, string>,
  body: string | Uint8Array,
  timeoutMs: number,
): Promise<Posted> {
  const { request, agent } = url.startsWith("https:") ? https : http;
  return new Promise((resolve, reject) => {
    const length = String(Buffer.byteLength(body));
    const sent = request(
      url,
      { method: "POST", agent, headers: { ...headers, "content-length": length } },
      (response) => {
        read(response)
          .then((text) => resolve({ status: response.statusCode ?? 0, text }), reject)
          .finally(() => clearTimeout(timer));
      },
    );
    const timer = setTimeout(() => sent.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    sent.on("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
    sent.end(body);
  });
}

function read(response: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    response.setEncoding("utf8");
    response.on("data", (chunk: string) => {
      text += chunk;
    });
    response.on("end", () => resolve(text));
    response.on("error", reject);
    response.on("aborted", () => reject(new Error("the answer was cut off")));
  });
}
