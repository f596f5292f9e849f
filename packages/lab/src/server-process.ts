import { type ChildProcess, spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { get } from 'node:http'
import { Agent } from 'node:https'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Client, createClient } from '@holdfast/client'
import { ownerToken, type RawAnswer, type RawRequest, rawRequest, transport } from './world.ts'

export interface ServerProcessOptions {
  /** Where its data lies; survives the process. */
  readonly directory: string
  readonly config?: Readonly<Record<string, unknown>>
  readonly nodeFlags?: readonly string[]
}

/** What the process says of itself once it is ready. */
interface Ready {
  readonly apiUrl: string
  readonly deviceUrl: string
  readonly metricsPort: number
  readonly authority: string
  readonly setupLink?: string
}

export interface ServerProcess extends Ready, AsyncDisposable {
  readonly pid: number
  /** From its start to its readiness. */
  readonly readyMilliseconds: number
  fetch(path: string, init?: RawRequest): Promise<RawAnswer>
  clientFor(token: string | undefined): Client
  /** A token with all rights; makes the first owner where there is none. */
  ownerToken(): Promise<string>
  /** The operators’ listener, such as `/readyz`. */
  health(path: string): Promise<{ status: number; text: string }>
  /** Undefined while it runs; the name of the signal that ended it, or its exit code. */
  ended(): string | number | undefined
  /** Ends it as a power cut of the process would. */
  kill(): Promise<void>
  /** Asks it to drain; answers its exit code. */
  terminate(): Promise<string | number>
  memoryMiB(): Promise<number>
  output(): string
}

const startSeconds = 60

export async function startServerProcess(options: ServerProcessOptions): Promise<ServerProcess> {
  const begun = performance.now()
  const settings = {
    data: join(options.directory, 'data'),
    listen: { host: '127.0.0.1', port: 0, devicePort: 0, metricsPort: 0 },
    log: { level: 'error' },
    limits: { perAddressPerMinute: 10_000_000, minFreeDiskMiB: 1 },
    ...options.config,
  }
  const main = fileURLToPath(new URL('./server-process-main.ts', import.meta.url))
  const child = spawn(process.execPath, [...(options.nodeFlags ?? []), main, JSON.stringify(settings)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH ?? '', NODE_NO_WARNINGS: '1' },
  })
  const said = listenTo(child)
  const ready = await said.ready
  const readyMilliseconds = performance.now() - begun
  const agent = new Agent({ ca: ready.authority, keepAlive: true, maxSockets: 50 })
  const send = (path: string, init: RawRequest = {}) => rawRequest(agent, ready.apiUrl, path, init)
  const end = async (signal: NodeJS.Signals) => {
    if (said.ended() === undefined) child.kill(signal)
    const how = await said.end
    agent.destroy()
    return how
  }
  return {
    ...ready,
    pid: child.pid ?? 0,
    readyMilliseconds,
    fetch: send,
    clientFor: (token) => createClient(transport(send, token)),
    ownerToken: () => ownerToken(ready.setupLink, send),
    health: (path) => plainGet(ready.metricsPort, path),
    ended: said.ended,
    async kill() {
      await end('SIGKILL')
    },
    terminate: () => end('SIGTERM'),
    memoryMiB: async () =>
      Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1024,
    output: said.output,
    async [Symbol.asyncDispose]() {
      await end('SIGKILL')
    },
  }
}

function listenTo(child: ChildProcess) {
  let text = ''
  let how: string | number | undefined
  const end = new Promise<string | number>((resolve) => {
    child.once('close', (code, signal) => {
      how = signal ?? code ?? 'nothing'
      resolve(how)
    })
  })
  const ready = new Promise<Ready>((resolve, reject) => {
    const late = setTimeout(() => {
      child.kill('SIGKILL')
      reject(new Error(`the server was not ready in ${startSeconds} s:\n${text}`))
    }, startSeconds * 1000)
    child.stdout?.setEncoding('utf8').on('data', (part: string) => {
      text += part
      const line = /^READY (.*)$/m.exec(text)?.[1]
      if (line === undefined) return
      clearTimeout(late)
      resolve(JSON.parse(line) as Ready)
    })
    child.stderr?.setEncoding('utf8').on('data', (part: string) => {
      text += part
    })
    void end.then((status) => {
      clearTimeout(late)
      reject(new Error(`the server ended with ${status} before it was ready:\n${text}`))
    })
  })
  return { ready, end, ended: () => how, output: () => text }
}

function plainGet(port: number, path: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path, agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part
      })
      response.once('end', () => resolve({ status: response.statusCode ?? 0, text }))
    }).once('error', reject)
  })
}
