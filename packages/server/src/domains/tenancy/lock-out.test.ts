import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { emailKey } from './email.ts'
import { type Attempts, accountPolicy, decideAttempt, redeemAttempt } from './lock-out.ts'

const half = fc.constant('half' as const)
const failure = fc.constant('failure' as const)
const history = fc.array(fc.record({ kind: fc.oneof(half, failure), after: fc.integer({ min: 0, max: 3_600_000 }) }), {
  maxLength: 400,
})

/** How many failures a history gets to try, with halves (a right password, no code) between them. */
function failuresTried(steps: readonly { kind: 'half' | 'failure'; after: number }[]): {
  tried: number
  hours: number
} {
  let attempts: Attempts | undefined
  let now = 0
  let tried = 0
  for (const { kind, after } of steps) {
    now += after
    const next = decideAttempt(accountPolicy, attempts, now)
    if (next === undefined) continue
    attempts = kind === 'half' ? redeemAttempt(next) : next
    if (kind === 'failure') tried += 1
  }
  return { tried, hours: now / 3_600_000 }
}

test('no sequence of attempts gets more failures through than the doubling lock allows', () => {
  fc.assert(
    fc.property(history, (steps) => {
      const { tried, hours } = failuresTried(steps)
      // Five free ones, then after 15 minutes, 30 minutes, 1 hour …; the lock is a day at most.
      const doubling = Math.floor(Math.log2(hours * 4 + 1))
      assert.ok(tried <= 5 + doubling + Math.floor(hours / 24) + 1, `${tried} failures in ${hours} hours`)
    }),
  )
})

test('control: a lock that a right password lifts altogether lets more failures through', () => {
  const steps = Array.from({ length: 200 }, (_, index) => ({
    kind: 'failure' as const,
    after: index === 0 ? 0 : 60_000,
  }))
  let attempts: Attempts | undefined
  let now = 0
  let tried = 0
  for (const { after } of steps) {
    now += after
    const next = decideAttempt(accountPolicy, attempts, now)
    if (next === undefined) continue
    tried += 1
    attempts = tried % 4 === 0 ? undefined : next
  }
  assert.ok(tried > failuresTried(steps).tried * 10)
})

test('an address has one key however it is typed', () => {
  const spellings = ['Ada@Example.com', ' ada@example.com', 'ADA@EXAMPLE.COM', 'ａｄａ@example.com', 'ada@ｅxample.com']
  assert.deepEqual(new Set(spellings.map(emailKey)), new Set(['ada@example.com']))
  assert.equal(emailKey('ada@bücher.example'), emailKey('ada@XN--BCHER-KVA.example'))
  assert.notEqual(emailKey('ada+x@example.com'), emailKey('ada@example.com'))
  fc.assert(fc.property(fc.emailAddress(), (email) => emailKey(emailKey(email)) === emailKey(email.toUpperCase())))
})
