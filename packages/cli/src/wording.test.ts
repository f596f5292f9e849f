import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatTable } from './table.ts'
import { ago, bytes, nearest, span } from './wording.ts'

test('The nearest word is suggested for a slip, and none for another word', () => {
  const known = ['deploy', 'device', 'release']
  assert.equal(nearest('deply', known), 'deploy')
  assert.equal(nearest('devcie', known), 'device')
  assert.equal(nearest('banana', known), undefined)
  assert.equal(nearest('x', []), undefined)
})

test('Sizes and spans are said in the unit that people would use', () => {
  assert.deepEqual([bytes(0), bytes(1023), bytes(1536), bytes(3 * 1024 ** 3)], ['0 B', '1023 B', '1.5 KiB', '3.0 GiB'])
  assert.deepEqual([span(400), span(90_000), span(7_200_000), span(3 * 86_400_000)], ['1 s', '2 min', '2 h', '3 d'])
  assert.equal(ago(undefined), 'never')
  assert.equal(ago('2026-01-01T00:00:00Z', Date.parse('2026-01-01T00:05:00Z')), '5 min ago')
})

test('Whatever a device calls itself, a table has a line for each item and cannot steer the terminal', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.string({ unit: 'binary' }).filter((name) => !name.includes('[')),
        { minLength: 1, maxLength: 10 },
      ),
      (names) => {
        const table = formatTable(names, [
          { title: 'name', value: (name) => name },
          { title: 'n', value: () => '1', right: true },
        ])
        const lines = table.split('\n')
        assert.equal(lines.length, names.length + 1)
        for (const line of lines.slice(1)) assert.doesNotMatch(line, /\p{Cc}/u)
      },
    ),
  )
})
