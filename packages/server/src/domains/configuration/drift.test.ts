import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { deriveDrift, sameSettings } from './drift.ts'

const settings = fc.dictionary(fc.string({ minLength: 1, maxLength: 8 }), fc.string({ maxLength: 8 }), { maxKeys: 8 })

test('a device that reports exactly what is desired, and more of its own, does not drift', () => {
  fc.assert(
    fc.property(settings, settings, (desired, own) => {
      assert.deepEqual(deriveDrift(desired, { ...own, ...desired }), [])
    }),
  )
})

test('every desired setting that is missing or different is named once', () => {
  const drift = deriveDrift({ a: '1', b: '2', c: '3' }, { a: '1', b: 'x' })
  assert.deepEqual(drift, [
    { name: 'b', desired: '2', reported: 'x' },
    { name: 'c', desired: '3' },
  ])
})

test('settings are the same only when every name and value is', () => {
  assert.ok(sameSettings({ a: '1' }, { a: '1' }))
  assert.ok(!sameSettings({ a: '1' }, { a: '1', b: '2' }))
  assert.ok(!sameSettings({ a: '1' }, { b: '1' }))
})
