import { spawnSync } from 'node:child_process'
import { closeSync, openSync, statfsSync, writeSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export type FileSystem = 'tmpfs' | 'ext4 with blocks of 1 KiB'

/** A file system of its own that can be filled to the last byte. */
export interface SmallDisk extends AsyncDisposable {
  /** Where it is mounted. */
  readonly directory: string
  fill(): void
  /** Gives back what `fill` took. */
  empty(): Promise<void>
}

/** Undefined where this machine does not let us mount. */
export async function mountSmallDisk(kind: FileSystem, mebibytes: number): Promise<SmallDisk | undefined> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return undefined
  const home = await mkdtemp(join(tmpdir(), 'holdfast-disk-'))
  const directory = join(home, 'mounted')
  await mkdir(directory)
  if (!mount(kind, home, directory, mebibytes)) {
    await rm(home, { recursive: true, force: true })
    return undefined
  }
  const filler = join(directory, 'filler')
  return {
    directory,
    fill: () => fillUp(filler),
    empty: () => rm(filler, { force: true }),
    async [Symbol.asyncDispose]() {
      if (spawnSync('umount', [directory]).status !== 0) spawnSync('umount', ['--lazy', directory])
      await rm(home, { recursive: true, force: true })
    },
  }
}

function mount(kind: FileSystem, home: string, directory: string, mebibytes: number): boolean {
  const run = (command: string, ...args: string[]) => spawnSync(command, args, { stdio: 'ignore' }).status === 0
  if (kind === 'tmpfs') return run('mount', '-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'none', directory)
  const image = join(home, 'image')
  return (
    run('truncate', '-s', `${mebibytes}M`, image) &&
    run('mkfs.ext4', '-q', '-b', '1024', '-m', '0', '-F', image) &&
    run('mount', '-o', 'loop', image, directory)
  )
}

/** In ever smaller pieces, until not even one byte fits. */
function fillUp(path: string): void {
  const file = openSync(path, 'a', 0o600)
  try {
    for (let piece = 1024 * 1024; piece >= 1; piece = Math.floor(piece / 4)) {
      const bytes = Buffer.alloc(piece, 0x5a)
      try {
        while (writeSync(file, bytes) === bytes.length);
      } catch (thrown) {
        if (!(thrown instanceof Error) || !('code' in thrown) || thrown.code !== 'ENOSPC') throw thrown
      }
    }
  } finally {
    closeSync(file)
  }
}

export function freeBytes(directory: string): number {
  const { bavail, bsize } = statfsSync(directory)
  return bavail * bsize
}
