import { mkdtemp, rm } from 'node:fs/promises'
import { Agent } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Client, createClient } from '@holdfast/client'
import { rawRequest, transport } from '../src/world.ts'
import type { BareServer } from './bare-server.ts'
import { type Child, serverFlags, startChild, type Usage } from './child.ts'
import type { Report } from './figure.ts'
import type { Fleet } from './fleet.ts'
import type { HoldfastServer } from './holdfast-server.ts'
import type { LoadGenerator } from './load-generator.ts'

/** A bench measures and reports; what it needs it takes from the bench room, which clears up. */
export type Bench = (room: BenchRoom, report: Report) => Promise<void>

export interface RunningServer {
  readonly server: Child<HoldfastServer>
  readonly apiPort: number
  readonly devicePort: number
  readonly authority: string
  readonly token: string
  readonly organisation: string
  readonly tls: { readonly key: string; readonly cert: string }
}

export interface BuiltFleet {
  readonly data: string
  readonly devices: number
  readonly product: string
  readonly bytesPerDevice: number
}

/** Child processes and directories of one run. A fleet is built once and shared by the benches that need it. */
export class BenchRoom implements AsyncDisposable {
  readonly #children: { stop(): Promise<void> }[] = []
  readonly #directories: string[] = []
  readonly #fleets = new Map<number, Promise<BuiltFleet>>()
  readonly #servers = new Map<string, Promise<RunningServer>>()

  async directory(): Promise<string> {
    const directory = await mkdtemp(join(tmpdir(), 'holdfast-bench-'))
    this.#directories.push(directory)
    return directory
  }

  fleet(devices: number): Promise<BuiltFleet> {
    const known = this.#fleets.get(devices)
    if (known !== undefined) return known
    const built = this.#build(devices)
    this.#fleets.set(devices, built)
    return built
  }

  /** A server over a data directory; those that share a directory share the server. */
  server(data: string): Promise<RunningServer> {
    const known = this.#servers.get(data)
    if (known !== undefined) return known
    const server = this.#keep(startChild<HoldfastServer>('holdfast-server.ts', serverFlags))
    const running = server.start({ data }).then((place) => ({ server, ...place }))
    this.#servers.set(data, running)
    return running
  }

  /** The file with the tokens of the first `count` devices of a fleet. */
  async tokens({ data }: BuiltFleet, count: number): Promise<string> {
    const file = join(await this.directory(), 'tokens')
    const fleet = startChild<Fleet>('fleet.ts')
    try {
      await fleet.writeTokens({ data, count, file })
    } finally {
      await fleet.stop()
    }
    return file
  }

  bare(): Child<BareServer> {
    return this.#keep(startChild<BareServer>('bare-server.ts', serverFlags))
  }

  load(): Child<LoadGenerator> {
    return this.#keep(startChild<LoadGenerator>('load-generator.ts'))
  }

  async #build(devices: number): Promise<BuiltFleet> {
    const data = await this.directory()
    console.error(`Building a fleet of ${devices.toLocaleString('en')} devices …`)
    const builder = startChild<Fleet>('fleet.ts', ['--max-semi-space-size=64'])
    try {
      const { product, bytesPerDevice } = await builder.build({ data, devices })
      return { data, devices, product, bytesPerDevice }
    } finally {
      await builder.stop()
    }
  }

  #keep<C extends { stop(): Promise<void> }>(child: C): C {
    this.#children.push(child)
    return child
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.#children.map((child) => child.stop()))
    for (const directory of this.#directories) await rm(directory, { recursive: true, force: true })
  }
}

/** What a process used while `work` ran, and what `work` answered. */
export async function metered<T>(
  child: { usage(): Promise<Usage> },
  work: () => Promise<T>,
): Promise<T & { readonly cpu: number }> {
  const before = await child.usage()
  const done = await work()
  return { ...done, cpu: (await child.usage()).cpu - before.cpu }
}

/** A client of the REST interface with all rights. */
export function clientOf({ apiPort, authority, token }: RunningServer): Client {
  const agent = new Agent({ ca: authority, keepAlive: true })
  const base = `https://localhost:${apiPort}`
  return createClient(transport((path, init = {}) => rawRequest(agent, base, path, init), token))
}
