import type { Client } from '@holdfast/client'
import { Fault, isId } from '@holdfast/kernel'
import type { Answer, operations } from '@holdfast/protocol'
import { nearest } from './wording.ts'

type Operations = typeof operations
export type Product = Answer<Operations['products']['get']>
export type Release = Answer<Operations['releases']['get']>
export type Deployment = Answer<Operations['deployments']['get']>
export type Device = Answer<Operations['devices']['list']>['items'][number]
export type Group = Answer<Operations['devices']['getGroup']>
export type Person = Answer<Operations['people']['list']>['items'][number]

interface Candidate<T> {
  readonly id: string
  readonly names: readonly string[]
  readonly value: T
}

/**
 * The one candidate that is meant: by id, by a name, or by the start of an id. Throws `cli.not_found`, saying what
 * is near, or `cli.ambiguous`, listing who could be meant.
 */
export function choose<T>(kind: string, text: string, candidates: readonly Candidate<T>[]): T {
  const exact = candidates.filter(({ id, names }) => id === text || names.includes(text))
  const found = exact.length > 0 ? exact : candidates.filter(({ id }) => text.length >= 4 && id.startsWith(text))
  const [one, ...others] = found
  if (one === undefined) {
    const near = nearest(
      text,
      candidates.flatMap(({ names }) => names),
    )
    const meant = near === undefined ? '' : `; did you mean ${near}?`
    throw new Fault('missing', 'cli.not_found', `there is no ${kind} “${text}”${meant}`)
  }
  if (others.length > 0) {
    const list = found.slice(0, 10).map(({ id, names }) => `\n  ${id}  ${names.join(' · ')}`)
    throw new Fault('conflict', 'cli.ambiguous', `“${text}” could be several ${kind}s; use an id:${list.join('')}`)
  }
  return one.value
}

/** Turns what people type into what the interface takes. */
export function createNames(client: Client) {
  const listProducts = async () => (await client.products.list()).items
  const listGroups = async () => (await client.devices.groups()).items
  return {
    async product(text: string): Promise<Product> {
      if (isId(text)) return await client.products.get({ params: { product: text } })
      const all = await listProducts()
      return choose(
        'product',
        text,
        all.map((value) => ({ id: value.id, names: [value.key, value.name], value })),
      )
    },

    async device(text: string): Promise<Device> {
      if (isId(text)) return await client.devices.get({ params: { device: text } })
      const found = new Map<string, Device>()
      if (/^[0-9a-f-]{4,35}$/.test(text)) await gather(client, found, { filter: `id like "${text}*"` })
      await gather(client, found, { search: text })
      const candidates = [...found.values()].map((value) => ({ id: value.id, names: deviceNames(value), value }))
      const [only] = candidates
      const exact = candidates.some(({ id, names }) => id.startsWith(text) || names.includes(text))
      // A search that finds a single device has found the one that was meant.
      if (candidates.length === 1 && only !== undefined && !exact) return only.value
      return choose('device', text, candidates)
    },

    /** `product@version`, a version that only one product has, an id or the start of one. */
    async release(text: string): Promise<Release> {
      if (isId(text)) return await client.releases.get({ params: { release: text } })
      const [key, version] = splitVersion(text)
      const product = key === undefined ? undefined : await this.product(key)
      const query = { limit: 500, ...(product === undefined ? {} : { product: product.id }) }
      const { items } = await client.releases.list({ query: { ...query, ...(key === undefined ? {} : { version }) } })
      const named = items.map((value) => ({ id: value.id, names: [value.version], value }))
      return choose('release', version, named)
    },

    async deployment(text: string): Promise<Deployment> {
      if (isId(text)) return await client.deployments.get({ params: { deployment: text } })
      const { items } = await client.deployments.list({ query: { limit: 500 } })
      if (text === 'latest') {
        const [latest] = items
        if (latest !== undefined) return latest
      }
      return choose(
        'deployment',
        text,
        items.map((value) => ({ id: value.id, names: [value.name], value })),
      )
    },

    async group(text: string): Promise<Group> {
      if (isId(text)) return await client.devices.getGroup({ params: { group: text } })
      return choose(
        'group',
        text,
        (await listGroups()).map((value) => ({ id: value.id, names: [value.name], value })),
      )
    },

    async person(text: string): Promise<Person> {
      const { items } = await client.people.list({ query: { limit: 500 } })
      return choose(
        'person',
        text,
        items.map((value) => ({ id: value.id, names: [value.email, value.name], value })),
      )
    },

    async devices(texts: readonly string[]): Promise<string[]> {
      const ids: string[] = []
      for (const text of texts) ids.push(isId(text) ? text : (await this.device(text)).id)
      return ids
    },
  }
}

export type Names = ReturnType<typeof createNames>

/** Versions hold no `@`, keys of products neither. */
export function splitVersion(text: string): [product: string | undefined, version: string] {
  const at = text.indexOf('@')
  return at < 0 ? [undefined, text] : [text.slice(0, at), text.slice(at + 1)]
}

async function gather(client: Client, found: Map<string, Device>, query: { filter?: string; search?: string }) {
  const { items } = await client.devices.list({ query: { ...query, limit: 20 } })
  for (const device of items) found.set(device.id, device)
}

function deviceNames(device: Device): string[] {
  return [device.name, ...Object.values(device.identity).flat()]
}
