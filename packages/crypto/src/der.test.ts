import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault, toHex } from '@holdfast/kernel'
import fc from 'fast-check'
import { readBoolean, readDer, readIntegerBytes, readOid, readSmallInteger, readTime, requireSetOrder } from './der.ts'
import { bitString, integer, namedBits, octetString, oid, sequence, setOf, time } from './der-write.ts'
import { ipAddressBytes, readIpAddress } from './ip-address.ts'

const hex = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'))

test('anything that DER forbids is refused', () => {
  for (const text of [
    '',
    '30',
    '3080 0000',
    '3001',
    '0401',
    '3081 01 00',
    '0482 0001 00',
    '0484ffffffff00',
    '0485 0000000001 00',
    '1f2001 00',
    '1000',
    '0500 00',
    '3003 0401',
    '24 80 0000',
  ]) {
    assert.throws(() => readDer(hex(text)), Fault, text)
  }
  let deep: Uint8Array = hex('0500')
  for (let depth = 0; depth < 40; depth += 1) deep = sequence(deep)
  assert.throws(() => readDer(deep), Fault)
  assert.throws(() => readDer(sequence(...Array.from({ length: 30 }, () => hex('0500'))), { maxNodes: 20 }), Fault)
  assert.throws(() => readDer(octetString(new Uint8Array(100)), { maxBytes: 50 }), Fault)
})

test('values in a form that is not the one DER form are refused', () => {
  for (const text of ['0200', '0202 0001', '0202 ff80'])
    assert.throws(() => readIntegerBytes(readDer(hex(text))), Fault)
  for (const text of ['0101 01', '0100', '0102 ffff']) assert.throws(() => readBoolean(readDer(hex(text))), Fault)
  for (const text of ['0600', '0602 8001', '0601 80', '0602 2a86'])
    assert.throws(() => readOid(readDer(hex(text))), Fault)
  const times = ['991332000000Z', '260230000000Z', '2601010000Z', '260101000000+0100', '260101240000Z', '260101006000Z']
  for (const text of times) {
    const node = { ...readDer(hex('1700')), content: new TextEncoder().encode(text) }
    assert.throws(() => readTime(node), Fault, text)
  }
  const unsorted = readDer(hex('3106 020102 020101'))
  assert.throws(() => requireSetOrder(unsorted.children, 'a set'), Fault)
})

test('object identifiers, integers and times survive the way there and back', () => {
  for (const dotted of ['1.2.840.113549.1.1.11', '2.5.29.15', '2.999.3', '0.39', '1.3.6.1.4.1.99999999']) {
    assert.equal(readOid(readDer(oid(dotted))), dotted)
  }
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 40 }), (value) => {
      assert.equal(readSmallInteger(readDer(integer(value))), value)
    }),
  )
  fc.assert(
    fc.property(fc.integer({ min: -631152000, max: 253402300799 }), (seconds) => {
      assert.equal(readTime(readDer(time(seconds * 1000))), seconds * 1000)
    }),
  )
})

test('named bits, sets and bit strings are written as DER demands', () => {
  assert.equal(toHex(namedBits([5, 6])), '03020106')
  assert.equal(toHex(namedBits([0])), '03020780')
  assert.equal(toHex(namedBits([])), '030100')
  assert.equal(toHex(setOf(integer(2), integer(1))), '3106020101020102')
  assert.equal(toHex(bitString(hex('f0'), 4)), '030204f0')
  assert.equal(octetString(new Uint8Array(200)).length, 203)
})

test('no input makes the reader fail otherwise than by a Fault', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        readDer(bytes)
      } catch (thrown) {
        assert.ok(thrown instanceof Fault)
      }
    }),
    { numRuns: 2_000 },
  )
})

test('IP addresses keep their meaning', () => {
  fc.assert(
    fc.property(fc.ipV6(), (text) =>
      assert.equal(readIpAddress(ipAddressBytes(text)), new URL(`http://[${text}]/`).hostname.slice(1, -1)),
    ),
  )
  fc.assert(fc.property(fc.ipV4(), (text) => assert.equal(readIpAddress(ipAddressBytes(text)), text)))
  for (const text of ['', '1.2.3', 'fe80::1%eth0', '1.2.3.256', ':::']) assert.throws(() => ipAddressBytes(text), Fault)
})
