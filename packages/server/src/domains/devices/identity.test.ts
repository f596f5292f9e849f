import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '@holdfast/kernel'
import fc from 'fast-check'
import { fitsPattern, identityHash, verifyIdentity } from './identity.ts'

const hash = (identity: Parameters<typeof identityHash>[1], organisation = 'acme') =>
  Buffer.from(identityHash(organisation, identity)).toString('hex')

test('the order of attributes makes no other device, another value or organisation does', () => {
  assert.equal(hash({ mac: '1', serial: '2' }), hash({ serial: '2', mac: '1' }))
  assert.notEqual(hash({ mac: '1' }), hash({ mac: '2' }))
  assert.notEqual(hash({ mac: '1' }), hash({ mac: ['1'] }))
  assert.notEqual(hash({ mac: '1' }), hash({ mac: '1' }, 'other'))
})

test('a controller id alone makes a device unique', () => {
  assert.equal(hash({ controllerId: 'a', serial: '1' }), hash({ controllerId: 'a' }))
})

test('identities that are empty, unbounded or not text are refused', () => {
  const tooMany = Object.fromEntries(Array.from({ length: 33 }, (_, index) => [`a${index}`, 'x']))
  for (const identity of [{}, { a: 'x'.repeat(1_025) }, { ['n'.repeat(129)]: 'x' }, { '': 'x' }, tooMany]) {
    assert.throws(() => verifyIdentity(identity), Fault)
  }
  assert.throws(() => verifyIdentity({ a: 1 } as never), Fault)
  assert.throws(() => verifyIdentity({ a: null } as never), Fault)
})

test('a pattern fits when every attribute that it names does', () => {
  assert.ok(fitsPattern({ serial: 'SN-*' }, { serial: 'SN-1', mac: 'x' }))
  assert.ok(fitsPattern({ serial: '*-A-*' }, { serial: 'SN-A-1' }))
  assert.ok(!fitsPattern({ serial: 'SN-*' }, { serial: 'sn-1' }))
  assert.ok(!fitsPattern({ serial: 'SN-*', mac: '*' }, { serial: 'SN-1' }))
  assert.ok(!fitsPattern({ serial: 'SN-*' }, { serial: [] }))
  assert.ok(!fitsPattern({ serial: 'SN-*' }, { serial: ['SN-1', 'other'] }))
  assert.ok(!fitsPattern({ constructor: '*' }, { serial: 'SN-1' }))
})

test('a pattern fits exactly what the same regular expression does', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 8 })
  const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 6 })
  fc.assert(
    fc.property(pattern, text, (wanted, value) => {
      const expression = new RegExp(`^${wanted.replaceAll('*', '.*')}$`)
      assert.equal(fitsPattern({ name: wanted }, { name: value }), expression.test(value))
    }),
    { numRuns: 2_000 },
  )
})
