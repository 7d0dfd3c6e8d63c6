// The contract by `noun.verb`.

import {
  type Contract,
  contract,
  listOperations,
  type Operation,
  type OperationTree,
} from "@rotorsh/contract";

const byKey = new Map(
  listOperations(contract as Contract & OperationTree).map(({ noun, verb, operation }) => [
    `${noun}.${verb}`,
    operation,
  ]),
);

export function operationOf(key: string): Operation {
  const operation = byKey.get(key);
  if (!operation) throw new Error(`The contract has no ${key}`);
  return operation;
}
