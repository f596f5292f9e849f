import { randomBytes } from 'node:crypto'
import { link, open, rename, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Fault } from '@holdfast/kernel'

const ownerOnly = 0o600

/**
 * Writes a secret that only its owner can read, whatever the umask, and durably: the name appears only when the bytes
 * are on disk. Never overwrites unless `replace` says so (`crypto.key_file_exists`).
 */
export async function writeKeyFile(
  path: string,
  contents: string | Uint8Array,
  options: { replace?: boolean } = {},
): Promise<void> {
  const draft = `${path}.${randomBytes(6).toString('hex')}.new`
  try {
    await writeDraft(draft, contents)
    if (options.replace === true) await rename(draft, path)
    else await publish(draft, path)
  } catch (thrown) {
    await unlink(draft).catch(() => undefined)
    throw thrown
  }
  await syncDirectory(dirname(path))
}

async function writeDraft(draft: string, contents: string | Uint8Array): Promise<void> {
  const file = await open(draft, 'wx', ownerOnly)
  try {
    await file.chmod(ownerOnly)
    await file.writeFile(contents)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Gives the draft its name only when nothing has it: unlike rename, link fails then. */
async function publish(draft: string, path: string): Promise<void> {
  try {
    await link(draft, path)
  } catch (thrown) {
    if (isCode(thrown, 'EEXIST')) throw new Fault('conflict', 'crypto.key_file_exists', `${path} exists already`)
    throw thrown
  }
  await unlink(draft)
}

/** Reads a secret; refuses a file that its group or others can reach (`crypto.key_file_open`). */
export async function readKeyFile(path: string, options: { maxBytes?: number } = {}): Promise<Uint8Array> {
  const maxBytes = options.maxBytes ?? 65_536
  const file = await open(path, 'r').catch((thrown: unknown) => {
    if (isCode(thrown, 'ENOENT')) throw new Fault('missing', 'crypto.key_file_missing', `${path} does not exist`)
    throw thrown
  })
  try {
    const { mode, size } = await file.stat()
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      throw new Fault('refused', 'crypto.key_file_open', `${path} can be read by others; run: chmod 600 ${path}`)
    }
    if (size > maxBytes) throw new Fault('limited', 'crypto.too_large', `${path} is larger than ${maxBytes} bytes`)
    return new Uint8Array(await file.readFile())
  } finally {
    await file.close()
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

function isCode(thrown: unknown, code: string): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === code
}
