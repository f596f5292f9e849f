import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault, hour } from '@holdfast/kernel'
import fc from 'fast-check'
import { type DeviceFacts, matchesFilter } from './facts.ts'
import { formatFilter } from './format-filter.ts'
import { anyFilter } from './generate.test-support.ts'
import { parseFilter } from './parse-filter.ts'

const now = Date.UTC(2026, 0, 15, 12, 30)

function device(values: Record<string, (string | number | boolean)[]>, seenAgo?: number): DeviceFacts {
  return {
    values: new Map(Object.entries(values)),
    registered: now - 50 * hour,
    seen: seenAgo === undefined ? undefined : now - seenAgo,
  }
}

const gateway = device(
  {
    'system.product': ['sensor'],
    'system.state': ['accepted'],
    'system.group': ['berlin', 'north'],
    'system.tag': ['Beta'],
    'inventory.os': ['2.10.1'],
    'inventory.mac': ['AA:BB:01'],
    'inventory.cpus': ['4'],
    'inventory.free memory': [512],
    'inventory.encrypted': [true],
  },
  hour,
)

test('a filter holds for the devices that it describes and for no others', () => {
  for (const holds of [
    'product = "sensor" and inventory.os >= "2.9" and (tag = beta or not group = berlin) and state in (accepted, pending) and inventory.mac like "aa:bb*"',
    'group = north and group = BERLIN',
    'inventory.cpus = 4 and inventory.cpus = "4" and inventory.cpus > 3 and inventory.cpus <= 4.0',
    'inventory."free memory" >= 512 AND inventory.encrypted = true',
    'inventory.absent != 5 and not has inventory.absent and has inventory.os',
    'seen < 2h and not seen > 1d and registered > 2d and registered < 3d',
    'state not in (rejected, retired)',
    '',
  ]) {
    assert.ok(matchesFilter(parseFilter(holds), gateway, now), holds)
    assert.ok(!matchesFilter(parseFilter(`not (${holds || 'state = accepted'})`), gateway, now), `not (${holds})`)
  }
  for (const fails of [
    'inventory.absent > 0',
    'inventory.os > "2.10.1"',
    'tag != beta',
    'product in (a, b)',
    'seen > 1h',
  ]) {
    assert.ok(!matchesFilter(parseFilter(fails), gateway, now), fails)
  }
})

test('a device that was never seen is older than every duration', () => {
  assert.ok(matchesFilter(parseFilter('seen > 9999d and not seen < 9999d'), device({}), now))
})

test('a fault names the column and what was expected there', () => {
  for (const [text, column, message] of [
    ['product = ', 11, 'Expected a value, found the end'],
    ['product "sensor"', 9, 'Expected =, !=, <, <=, >, >=, “in”, “not in” or “like”, found “sensor”'],
    ['(product = a', 13, 'Expected “)”, “and” or “or”, found the end'],
    ['product = a b', 13, 'Expected “and”, “or” or the end, found “b”'],
    ['seen < soon', 8, 'Expected a duration such as 30s, 15m, 2h or 7d, found “soon”'],
    ['name = "open', 8, 'a quoted text without its end is not understood here'],
    ['state ! a', 7, '“!” is not understood here'],
    ['inventory.x > true', 15, 'A truth value has no order; compare it with ='],
    ['state in accepted', 10, 'Expected “(”, found “accepted”'],
  ] as const) {
    assert.throws(
      () => parseFilter(text),
      (thrown) =>
        thrown instanceof Fault &&
        thrown.kind === 'malformed' &&
        thrown.at === `column ${column}` &&
        thrown.message === message,
      text,
    )
  }
  assert.throws(
    () => parseFilter('colour = red'),
    /“colour” is not a field; expected one of id, name, .*inventory\.<name>/,
  )
})

test('a filter that is too long, too deep or has too many terms is refused as limited', () => {
  const terms = (count: number) => Array(count).fill('tag = a').join(' or ')
  assert.doesNotThrow(() => parseFilter(terms(64)))
  assert.doesNotThrow(() => parseFilter(`${'('.repeat(16)}tag = a${')'.repeat(16)}`))
  for (const text of [
    terms(65),
    `state in (${Array(70).fill('a').join()})`,
    `${'('.repeat(17)}tag = a${')'.repeat(17)}`,
    `${'not '.repeat(1000)}`,
    `tag = "${'a'.repeat(4000)}"`,
  ]) {
    assert.throws(
      () => parseFilter(text),
      (thrown) => thrown instanceof Fault && thrown.kind === 'limited',
    )
  }
})

test('a formatted filter parses to the same filter', () => {
  fc.assert(
    fc.property(anyFilter, (filter) => assert.deepEqual(parseFilter(formatFilter(filter)), filter)),
    { numRuns: 400 },
  )
})

test('any text either parses or is refused with a fault', () => {
  const scraps = fc.constantFrom(
    'and',
    'or',
    'not',
    '(',
    ')',
    'tag',
    '=',
    '"',
    'in',
    ',',
    'seen',
    '<',
    '2h',
    'inventory.',
    '"a b"',
    ' ',
  )
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.array(scraps).map((parts) => parts.join(' ')),
      ),
      (text) => {
        try {
          parseFilter(text)
        } catch (thrown) {
          assert.ok(thrown instanceof Fault, String(thrown))
        }
      },
    ),
    { numRuns: 400 },
  )
})
