// Secrets at rest. Each workspace has a data key, wrapped by a master key of the ring; destroying the wrapped
// data key makes everything sealed under it unreadable, wherever copies of it lie.

import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";

/** Master keys by id. The first wraps; all of them unwrap. */
export type KeyRing = { current: string; keys: ReadonlyMap<string, Buffer> };

const ivBytes = 12;

/** Reads `kid:base64,kid:base64`; throws an Error that says what is wrong. */
export function readKeyRing(text: string): KeyRing {
  const keys = new Map<string, Buffer>();
  for (const entry of text.split(",")) {
    const [kid, base64] = entry.trim().split(":", 2);
    if (!kid || !/^[A-Za-z0-9_-]{1,32}$/.test(kid) || !base64)
      throw new Error("each entry must be kid:base64");
    const key = Buffer.from(base64, "base64");
    if (key.length !== 32) throw new Error(`the key ${kid} must be 32 bytes in base64, and is ${key.length}`);
    keys.set(kid, key);
  }
  const [current] = keys.keys();
  if (!current) throw new Error("it is empty");
  return { current, keys };
}

/** For signatures that never leave this server and its peers. */
export function deriveKey(ring: KeyRing, purpose: string): Buffer {
  return Buffer.from(hkdfSync("sha256", masterKey(ring, ring.current).key, "", `rotor ${purpose}`, 32));
}

export type Vault = ReturnType<typeof createVault>;

export function createVault(ring: KeyRing) {
  return {
    /** A new wrapped data key for a workspace. */
    newDataKey(workspaceId: string): string {
      const { kid, key } = masterKey(ring, ring.current);
      return `v1.${kid}.${encrypt(key, randomBytes(32), workspaceId)}`;
    },

    /** Encrypts a text for one place (`purpose` names it), so that a sealed value cannot be moved elsewhere. */
    seal(owner: Owner, purpose: string, plaintext: string): string {
      const { kid, key } = owner ? { kid: "", key: dataKeyOf(ring, owner) } : masterKey(ring, ring.current);
      return `v1.${kid}.${encrypt(key, Buffer.from(plaintext), contextOf(owner, purpose))}`;
    },

    open(owner: Owner, purpose: string, sealed: string): string {
      const [, kid, ...rest] = sealed.split(".");
      const { key } = owner ? { key: dataKeyOf(ring, owner) } : masterKey(ring, kid);
      return decrypt(key, rest.join("."), contextOf(owner, purpose)).toString();
    },
  };
}

/** The workspace whose data key seals; null seals for the operator, by the master key itself. */
export type Owner = { id: string; dataKey: string | null } | null;

function contextOf(owner: Owner, purpose: string): string {
  return `${owner?.id ?? "operator"}|${purpose}`;
}

function dataKeyOf(ring: KeyRing, { id, dataKey }: NonNullable<Owner>): Buffer {
  if (dataKey === null) throw new Error(`The secrets of ${id} were shredded when it was deleted`);
  const [, kid, ...rest] = dataKey.split(".");
  return decrypt(masterKey(ring, kid).key, rest.join("."), id);
}

function masterKey(ring: KeyRing, kid = ""): { kid: string; key: Buffer } {
  const key = ring.keys.get(kid);
  if (!key) throw new Error(`ROTOR_ENCRYPTION_KEY holds no key named ${kid}, which is still in use`);
  return { kid, key };
}

function encrypt(key: Buffer, plaintext: Buffer, context: string): string {
  const iv = randomBytes(ivBytes);
  const cipher = createCipheriv("aes-256-gcm", key, iv).setAAD(Buffer.from(context));
  const body = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return [iv, cipher.getAuthTag(), body].map((part) => part.toString("base64url")).join(".");
}

function decrypt(key: Buffer, text: string, context: string): Buffer {
  const [iv, tag, body] = text.split(".").map((part) => Buffer.from(part, "base64url")) as [
    Buffer,
    Buffer,
    Buffer,
  ];
  const decipher = createDecipheriv("aes-256-gcm", key, iv).setAAD(Buffer.from(context)).setAuthTag(tag);
  return Buffer.concat([decipher.update(body), decipher.final()]);
}
