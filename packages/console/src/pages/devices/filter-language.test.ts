import assert from 'node:assert/strict'
import { test } from 'node:test'
import { both, completionAt, faultColumn, fieldText, suggestionsFor, valueText } from './filter-language.ts'

function expects(text: string): string {
  const { expects: what, field, typed } = completionAt(text, text.length)
  return [what, field ?? '-', typed].join(' ')
}

test('completion knows what the language expects at the caret', () => {
  assert.equal(expects(''), 'field - ')
  assert.equal(expects('sta'), 'field - sta')
  assert.equal(expects('state '), 'operator state ')
  assert.equal(expects('state = acc'), 'value state acc')
  assert.equal(expects('state = accepted '), 'joint state ')
  assert.equal(expects('state = accepted and inventory.o'), 'field state inventory.o')
  assert.equal(expects('state in (accepted, pen'), 'value state pen')
  assert.equal(expects('state not in (accepted, pending) '), 'joint state ')
  assert.equal(expects('not has inv'), 'value - inv')
  assert.equal(expects('inventory."free memory" '), 'operator inventory."free memory" ')
  assert.equal(expects('(tag = a or tag = b) '), 'joint tag ')
})

test('ages are compared with durations only', () => {
  const known = { attributes: [], values: [] }
  assert.deepEqual(
    suggestionsFor(completionAt('seen ', 5), known).map((one) => one.text),
    ['<', '<=', '>', '>='],
  )
  assert.ok(suggestionsFor(completionAt('seen < ', 7), known).some((one) => one.text === '1h'))
})

test('names and values that are not one word are quoted', () => {
  assert.equal(fieldText({ scope: 'inventory', name: 'free memory' }), 'inventory."free memory"')
  assert.equal(valueText('2.9.1'), '2.9.1')
  assert.equal(valueText('say "hi"'), '"say \\"hi\\""')
  assert.equal(valueText('and'), '"and"')
})

test('two conditions are joined without changing what the first means', () => {
  assert.equal(both('a = 1 or b = 2', 'state = pending'), '(a = 1 or b = 2) and state = pending')
  assert.equal(both('', 'state = pending'), 'state = pending')
  assert.equal(both('tag = x', ''), 'tag = x')
})

test('the column of a fault is read from where the server says it is', () => {
  assert.equal(faultColumn('column 7'), 7)
  assert.equal(faultColumn(undefined), undefined)
})
