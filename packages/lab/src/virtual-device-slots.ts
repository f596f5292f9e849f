import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, readFile, readlink, rename, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { requireSafeFileName } from '@holdfast/formats/safe-name'
import { type ByteSource, Fault } from '@holdfast/kernel'

export type Provides = Readonly<Record<string, string>>

/** A directory that is updated as real devices are: two slots, and a link that says which one runs. */
export interface Slots {
  /** What the running slot is. */
  running(): Promise<Provides>
  /** An empty slot beside the running one. */
  prepare(): Promise<DraftSlot>
}

export interface DraftSlot {
  /** Writes a file durably, re-reads it, and throws `device.write_failed` when it is not what was announced. */
  write(name: string, content: ByteSource, sha256: string): Promise<void>
  /** Completes the slot; until `activate` the old one runs. */
  seal(provides: Provides): Promise<void>
  /** From now on the new slot runs: one rename, so that at every instant one whole slot does. */
  activate(): Promise<void>
}

const link = 'current'
const factsFile = 'provides.json'

export async function openSlots(root: string, initial: Provides): Promise<Slots> {
  await mkdir(root, { recursive: true })
  const current = () => readlink(join(root, link)).catch(() => undefined)
  if ((await current()) === undefined) {
    const first = await newSlot(root, 'a')
    await first.seal(initial)
    await first.activate()
  }
  return {
    async running() {
      const slot = (await current()) ?? 'a'
      return JSON.parse(await readFile(join(root, slot, factsFile), 'utf8')) as Provides
    },
    prepare: async () => newSlot(root, (await current()) === 'a' ? 'b' : 'a'),
  }
}

async function newSlot(root: string, slot: 'a' | 'b'): Promise<DraftSlot> {
  const directory = join(root, slot)
  await rm(directory, { recursive: true, force: true })
  await mkdir(directory)
  return {
    async write(name, content, sha256) {
      const path = join(directory, requireSafeFileName(name))
      await writeDurably(path, content)
      if ((await digestOfFile(path)) !== sha256) {
        throw new Fault('refused', 'device.write_failed', `${name} reads back differently than it was written`)
      }
    },
    async seal(provides) {
      await writeDurably(join(directory, factsFile), text(`${JSON.stringify(provides, null, 2)}\n`))
      await syncDirectory(directory)
    },
    async activate() {
      const draft = join(root, `${link}.new`)
      await rm(draft, { force: true })
      await symlink(slot, draft)
      await rename(draft, join(root, link))
      await syncDirectory(root)
    },
  }
}

async function writeDurably(path: string, content: ByteSource): Promise<void> {
  const file = await open(path, 'wx', 0o644)
  try {
    for await (const part of content) await file.writeFile(part)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function digestOfFile(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const part of createReadStream(path)) hash.update(part as Buffer)
  return hash.digest('hex')
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

async function* text(content: string): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(content)
}
