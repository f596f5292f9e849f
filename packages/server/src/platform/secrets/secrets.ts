import { createPrivateKey, type KeyObject, randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { readKeyFile, writeKeyFile } from '@holdfast/crypto/key-file'
import { generateKey, privateKeyPem } from '@holdfast/crypto/keys'
import { openSecret, sealSecret } from '@holdfast/crypto/seal'
import { Fault } from '@holdfast/kernel'

/** What the server itself must keep secret: made at the first start, in files that only their owner can read. */
export interface ServerSecrets {
  readonly directory: string
  /** For secrets that must lie in the database and be read again; `context` says whose they are. */
  readonly sealed: {
    seal(plaintext: Uint8Array, context: string): Uint8Array
    open(sealed: Uint8Array, context: string): Uint8Array
  }
  /** Signs device tokens and download links (HMAC). 32 bytes. */
  readonly tokenKey: Uint8Array
  /** Signs the checkpoints of the audit logs. Ed25519. */
  readonly logKey: KeyObject
}

/** Reads the secrets of a data directory, making those that are missing. Nodes of one installation share the directory. */
export async function openSecrets(data: string): Promise<ServerSecrets> {
  const directory = join(data, 'secrets')
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const masterKey = await randomKey(join(directory, 'master.key'))
  return {
    directory,
    sealed: {
      seal: (plaintext, context) => sealSecret(masterKey, plaintext, context),
      open: (sealed, context) => openSecret(masterKey, sealed, context),
    },
    tokenKey: await randomKey(join(directory, 'token.key')),
    logKey: createPrivateKey(await readOrMake(join(directory, 'log.key'), newLogKey)),
  }
}

async function newLogKey(): Promise<string> {
  return privateKeyPem((await generateKey('ed25519')).privateKey)
}

async function randomKey(path: string): Promise<Uint8Array> {
  const key = Buffer.from(await readOrMake(path, async () => randomBytes(32).toString('base64')), 'base64')
  if (key.length !== 32) throw new Fault('malformed', 'secrets.damaged', `${path} does not hold a key of 32 bytes`)
  return key
}

/** The text of a secret file; made by `make` when there is none. Of two processes that make it at once, one wins. */
export async function readOrMake(path: string, make: () => Promise<string>): Promise<string> {
  const present = await readIfThere(path)
  if (present !== undefined) return present
  try {
    await writeKeyFile(path, await make())
  } catch (thrown) {
    if (!(thrown instanceof Fault) || thrown.code !== 'crypto.key_file_exists') throw thrown
  }
  return new TextDecoder().decode(await readKeyFile(path))
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return new TextDecoder().decode(await readKeyFile(path))
  } catch (thrown) {
    if (thrown instanceof Fault && thrown.kind === 'missing') return undefined
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT') return undefined
    throw thrown
  }
}
