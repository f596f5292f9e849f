import type { KeyObject } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { readKeyFile } from '@holdfast/crypto/key-file'
import { readPrivateKey } from '@holdfast/crypto/keys'
import { Fault } from '@holdfast/kernel'

const decoder = new TextDecoder()

/** The operator's own key, from a file that nobody else can read. It never leaves this process. */
export async function readSigningKey(file: string, passphraseFile?: string): Promise<KeyObject> {
  const passphrase =
    passphraseFile === undefined ? undefined : decoder.decode(await readKeyFile(passphraseFile)).trimEnd()
  return readPrivateKey(decoder.decode(await readKeyFile(file)), passphrase)
}

/** The AES-256 key of SWUpdate: 64 hex digits; an initialisation vector behind it is passed over, each content gets its own. */
export async function readContentKey(file: string): Promise<Uint8Array> {
  const [hex = ''] = decoder
    .decode(await readKeyFile(file))
    .trim()
    .split(/\s+/)
  if (!/^[0-9a-fA-F]{64}$/.test(hex)) {
    throw new Fault('malformed', 'cli.content_key', `${file} does not hold an AES-256 key as 64 hex digits`)
  }
  return new Uint8Array(Buffer.from(hex, 'hex'))
}

export async function readPem(file: string): Promise<string> {
  return await readFile(file, 'utf8')
}
