import type { RotorError } from "@rotorsh/contract";

export const exitCodes = {
  ok: 0,
  failure: 1,
  usage: 2,
  notFound: 3,
  refused: 4,
  conflict: 5,
  limited: 6,
  unreachable: 7,
  pending: 8,
  runFailed: 9,
  interrupted: 130,
} as const;

export const exitCodeMeanings: Record<keyof typeof exitCodes, string> = {
  ok: "it worked",
  failure: "it failed, or was cancelled at the prompt",
  usage: "the command line or the input is wrong",
  notFound: "there is no such thing",
  refused: "no valid key, or the key may not do that",
  conflict: "a conflict, or a confirmation is missing",
  limited: "rate limit or quota reached",
  unreachable: "the server cannot be reached or is not available",
  pending: "what was waited for is still pending",
  runFailed: "the run that was watched failed",
  interrupted: "Ctrl-C",
};

const byStatus: Record<number, keyof typeof exitCodes> = {
  400: "usage",
  401: "refused",
  402: "limited",
  403: "refused",
  404: "notFound",
  405: "usage",
  409: "conflict",
  410: "notFound",
  412: "conflict",
  413: "usage",
  415: "usage",
  422: "usage",
  429: "limited",
  502: "unreachable",
  503: "unreachable",
  504: "unreachable",
};

export function exitCodeOf({ code, status, details }: RotorError): number {
  // An error that only a newer server knows still has its status.
  const known = code === "BAD_RESPONSE" && details.code ? Number(details.status) : status;
  return exitCodes[byStatus[known] ?? "failure"];
}
