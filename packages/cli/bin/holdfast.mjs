#!/usr/bin/env node
// Runs the command line on the runtime that this project pins, whatever Node started this file.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))))
const pinned = join(root, 'node_modules', 'node', 'bin', 'node')
const child = spawn(
  existsSync(pinned) ? pinned : process.execPath,
  // A small young generation, and an allocator that gives back what is free (below), keep the memory of a server of a million devices small.
  [
    '--disable-warning=ExperimentalWarning',
    '--max-semi-space-size=8',
    join(root, 'packages', 'cli', 'src', 'main.ts'),
    ...process.argv.slice(2),
  ],
  { stdio: 'inherit', env: { MALLOC_ARENA_MAX: '1', MALLOC_TRIM_THRESHOLD_: '131072', ...process.env } },
)
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
child.on('exit', (code, signal) => process.exit(code ?? (signal === null ? 1 : 128)))
