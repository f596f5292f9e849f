import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manualClock } from '@holdfast/kernel'
import fc from 'fast-check'
import type { DevicePrincipal } from './device.ts'
import { PrincipalCache } from './principal-cache.ts'

const start = Date.UTC(2026, 5, 1)

function newCache() {
  const clock = manualClock(start)
  let heardAt = start
  const cache = new PrincipalCache({ clock, bus: { caughtUpAt: () => heardAt }, size: 100 })
  return {
    cache,
    clock,
    hear: () => {
      heardAt = clock.now()
    },
  }
}

const principal = (device: string, expires = start + 60_000): DevicePrincipal => ({
  device,
  number: 1,
  organisation: 'acme',
  key: 'key',
  standing: 'accepted',
  expires,
})

test('what was verified is answered at once, until its time is over', () => {
  const { cache, clock, hear } = newCache()
  const kept = principal('a', start + 500)
  cache.keep('token', kept, cache.begin())
  assert.equal(cache.find('token'), kept)
  clock.advance(500)
  hear()
  assert.equal(cache.find('token'), undefined)
})

test('nothing is answered while the node may not know of a revocation', () => {
  const { cache, clock, hear } = newCache()
  cache.keep('token', principal('a'), cache.begin())
  clock.advance(1_000)
  assert.ok(cache.find('token'))
  clock.advance(1)
  assert.equal(cache.find('token'), undefined)
  hear()
  assert.ok(cache.find('token'))
})

test('what was read before a revocation is not remembered after it', () => {
  const { cache } = newCache()
  const begun = cache.begin()
  cache.drop('a')
  cache.keep('token', principal('a'), begun)
  assert.equal(cache.find('token'), undefined)
  cache.keep('token', principal('a'), cache.begin())
  assert.ok(cache.find('token'))
  const all = cache.begin()
  cache.dropAll()
  cache.keep('token', principal('b'), all)
  assert.equal(cache.find('token'), undefined)
})

test('whatever happens, no answer is older than the last revocation of its device', () => {
  const step = fc.oneof(
    fc.record({ does: fc.constant('begin' as const), device: fc.constantFrom('a', 'b', 'c') }),
    fc.record({ does: fc.constant('keep' as const), pick: fc.nat(20) }),
    fc.record({ does: fc.constant('drop' as const), device: fc.constantFrom('a', 'b', 'c') }),
    fc.record({ does: fc.constant('dropAll' as const) }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { cache } = newCache()
      const reads: { device: string; begun: number; at: number }[] = []
      const readAt = new Map<DevicePrincipal, number>()
      const revokedAt = new Map<string, number>()
      for (const [at, one] of steps.entries()) {
        if (one.does === 'begin') reads.push({ device: one.device, begun: cache.begin(), at })
        if (one.does === 'keep') {
          const read = reads[one.pick % Math.max(1, reads.length)]
          if (read === undefined) continue
          const kept = principal(read.device)
          readAt.set(kept, read.at)
          cache.keep(read.device, kept, read.begun)
        }
        if (one.does === 'drop') {
          cache.drop(one.device)
          revokedAt.set(one.device, at)
        }
        if (one.does === 'dropAll') {
          cache.dropAll()
          for (const device of ['a', 'b', 'c']) revokedAt.set(device, at)
        }
        for (const device of ['a', 'b', 'c']) {
          const found = cache.find(device)
          if (found !== undefined) assert.ok((readAt.get(found) ?? 0) > (revokedAt.get(device) ?? -1))
        }
      }
    }),
  )
})
