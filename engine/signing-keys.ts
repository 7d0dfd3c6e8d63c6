// The key that requests to a workspace's workflow apps are signed with. Made when it is first needed.

import { randomText } from "./ids.ts";
import type { Database } from "./store/database.ts";
import {
  ensureSigningKey,
  findSigningKey,
  replaceSigningKey,
  type SigningKeyRow,
} from "./store/signing-keys.ts";
import type { Owner, Vault } from "./vault/vault.ts";

/** After a rotation both keys sign for so long. */
const overlapMs = 24 * 60 * 60 * 1000;
const purpose = "signing key";

type Workspace = NonNullable<Owner>;

export const openSigningKey = (vault: Vault, owner: Workspace, sealed: string) =>
  vault.open(owner, purpose, sealed);

const seal = (vault: Vault, owner: Workspace, key: string) => vault.seal(owner, purpose, key);

export const mintSigningKey = () => `rt_sign_${randomText(43)}`;

export async function signingKeyOf(db: Database, vault: Vault, owner: Workspace): Promise<SigningKeyRow> {
  const found = await findSigningKey(db, owner.id);
  return found ?? ensureSigningKey(db, owner.id, seal(vault, owner, mintSigningKey()));
}

export function rotateSigningKey(db: Database, vault: Vault, owner: Workspace): Promise<SigningKeyRow> {
  return replaceSigningKey(db, owner.id, seal(vault, owner, mintSigningKey()), overlapMs);
}

/** A key from outside, for instance of the environment, becomes the workspace's own. */
export async function setSigningKey(
  db: Database,
  vault: Vault,
  owner: Workspace,
  key: string,
): Promise<void> {
  const current = await ensureSigningKey(db, owner.id, seal(vault, owner, key));
  if (openSigningKey(vault, owner, current.sealed) === key) return;
  await replaceSigningKey(db, owner.id, seal(vault, owner, key), overlapMs);
}
