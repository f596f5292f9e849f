import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isId, newId, newSecret } from './index.ts'

test('ids are version 7 UUIDs, unique and in the order in which they were made, also within a millisecond', () => {
  const ids = Array.from({ length: 20_000 }, () => newId(1_780_000_000_000))
  assert.ok(ids.every(isId))
  assert.equal(new Set(ids).size, ids.length)
  assert.deepEqual([...ids].sort(), ids)
  assert.ok(ids.every((id) => id[14] === '7' && '89ab'.includes(id[19] ?? '')))
})

test('a clock that goes back does not put new ids before old ones', () => {
  const before = newId(1_790_000_000_000)
  assert.ok(newId(1_700_000_000_000) > before)
})

test('secrets are 43 characters of base64url and never repeat', () => {
  const secrets = new Set(Array.from({ length: 1_000 }, newSecret))
  assert.equal(secrets.size, 1_000)
  assert.ok([...secrets].every((secret) => /^[\w-]{43}$/.test(secret)))
})
