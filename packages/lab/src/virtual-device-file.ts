import { type ChildProcess, fork } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { DeviceEvent } from './virtual-device.ts'

/** What a virtual device is made with, as it lies in its directory. */
export interface DeviceFile {
  readonly name: string
  readonly deviceType: string
  readonly url: string
  readonly authority: string
  readonly tenantToken: string
  readonly identity: Readonly<Record<string, string>>
  /** PEM of the product's public key. */
  readonly verifyKey: string
  readonly firmware: string
  readonly pollMilliseconds: number
  readonly inventory: Readonly<Record<string, string>>
}

export async function writeDeviceFile(directory: string, file: DeviceFile): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  await writeFile(join(directory, 'device.json'), `${JSON.stringify(file, null, 2)}\n`)
}

export interface DeviceProcess {
  readonly pid: number | undefined
  /** Resolves when the process is gone. */
  stop(): Promise<void>
}

const patience = 5_000

/** Starts a device as a process of its own; it ends with the process that started it, even if that is killed. */
export function startDeviceProcess(directory: string, onEvent: (event: DeviceEvent) => void): DeviceProcess {
  const program = fileURLToPath(new URL('virtual-device-main.ts', import.meta.url))
  const child = fork(program, [directory], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], execArgv: [] })
  child.on('message', (event) => onEvent(event as DeviceEvent))
  child.on('exit', (code, signal) => {
    if (code !== 0 && signal !== 'SIGKILL') onEvent({ kind: 'failed', why: `the process ended with ${code ?? signal}` })
  })
  return { pid: child.pid, stop: () => stopChild(child) }
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), patience)
  await gone
  clearTimeout(timer)
}
