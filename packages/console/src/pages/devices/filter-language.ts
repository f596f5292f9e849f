/** What the filter bar knows of the filter language; the server's parser decides, this only helps to write. */

export interface Suggestion {
  readonly text: string
  readonly note: string
}

export interface Completion {
  /** Where in the text the part begins that a suggestion replaces, and where it ends. */
  readonly from: number
  readonly to: number
  readonly expects: 'field' | 'operator' | 'value' | 'joint'
  /** The field whose value or operator is written. */
  readonly field: string | undefined
  readonly typed: string
}

const fixedFields: readonly Suggestion[] = [
  { text: 'state', note: 'pending, accepted, rejected …' },
  { text: 'name', note: 'its name' },
  { text: 'product', note: 'key or name of its product' },
  { text: 'group', note: 'groups it is in' },
  { text: 'tag', note: 'its tags' },
  { text: 'software', note: 'what it says it runs' },
  { text: 'gateway', note: 'mender or hawkbit' },
  { text: 'seen', note: 'how long ago: seen < 1h' },
  { text: 'registered', note: 'how long ago: registered < 7d' },
]

const operators: readonly Suggestion[] = [
  { text: '=', note: 'is' },
  { text: '!=', note: 'is not' },
  { text: 'in', note: 'one of (a, b)' },
  { text: 'not in', note: 'none of (a, b)' },
  { text: 'like', note: 'pattern with *' },
  { text: '<', note: 'less; versions too' },
  { text: '<=', note: 'at most' },
  { text: '>', note: 'more' },
  { text: '>=', note: 'at least' },
]

const joints: readonly Suggestion[] = [
  { text: 'and', note: 'both' },
  { text: 'or', note: 'either' },
]

const durations: readonly Suggestion[] = ['15m', '1h', '1d', '7d', '30d'].map((text) => ({ text, note: 'ago' }))
const ages = new Set(['seen', 'registered'])
const piece = /\s+|[^\s"(),=<>!]*"(?:[^"\\]|\\.)*"?|!=|<=|>=|[(),=<>!]|[^\s"(),=<>!]+/gy

interface Token {
  readonly text: string
  readonly from: number
  readonly to: number
}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = []
  for (const match of text.matchAll(piece)) {
    if (/^\s/.test(match[0])) continue
    tokens.push({ text: match[0], from: match.index, to: match.index + match[0].length })
  }
  return tokens
}

/** Decides what the language expects where the caret stands. */
export function completionAt(text: string, caret: number): Completion {
  const before = tokensOf(text.slice(0, caret))
  const last = before.at(-1)
  const writing = last !== undefined && last.to === caret && /[\w."*-]$/.test(last.text) ? last : undefined
  const done = writing === undefined ? before : before.slice(0, -1)
  const { expects, field } = expectation(done.map((token) => token.text))
  return { from: writing?.from ?? caret, to: caret, expects, field, typed: writing?.text ?? '' }
}

function expectation(tokens: readonly string[]): { expects: Completion['expects']; field: string | undefined } {
  let expects: Completion['expects'] = 'field'
  let field: string | undefined
  let listed = false
  for (const token of tokens) {
    const word = token.toLowerCase()
    if (expects === 'field') {
      if (word === 'not' || word === '(') continue
      if (word === 'has') {
        field = undefined
        expects = 'value'
        continue
      }
      field = token
      expects = 'operator'
    } else if (expects === 'operator') {
      if (word !== 'not') expects = 'value'
    } else if (expects === 'value') {
      if (word === '(') listed = true
      else if (!listed) expects = 'joint'
      else if (word === ')') {
        listed = false
        expects = 'joint'
      }
    } else if (word === 'and' || word === 'or') expects = 'field'
  }
  return { expects, field }
}

export interface Knowledge {
  readonly attributes: readonly { scope: string; name: string }[]
  readonly values: readonly { text: string; devices: number }[]
}

const most = 12

export function suggestionsFor(completion: Completion, known: Knowledge): Suggestion[] {
  const typed = completion.typed.toLowerCase().replace(/^"/, '')
  return pool(completion, known)
    .filter(
      (suggestion) =>
        suggestion.text.toLowerCase().replace(/^"/, '').includes(typed) && suggestion.text !== completion.typed,
    )
    .sort((a, b) => rank(a, typed) - rank(b, typed))
    .slice(0, most)
}

function rank(suggestion: Suggestion, typed: string): number {
  return suggestion.text.toLowerCase().replace(/^"/, '').startsWith(typed) ? 0 : 1
}

function pool({ expects, field }: Completion, known: Knowledge): readonly Suggestion[] {
  if (expects === 'joint') return joints
  if (expects === 'operator')
    return ages.has(field ?? '') ? operators.filter((one) => /[<>]/.test(one.text)) : operators
  const attributes = known.attributes
    .filter((one) => one.scope !== 'system')
    .map((one) => ({ text: fieldText(one), note: one.scope }))
  if (expects === 'field')
    return [
      ...fixedFields,
      ...attributes,
      { text: 'not', note: 'the opposite' },
      { text: 'has', note: 'has the attribute' },
    ]
  if (field === undefined) return attributes
  if (ages.has(field)) return durations
  return known.values.map(({ text, devices }) => ({ text: valueText(text), note: `${devices} devices` }))
}

/** An attribute as the language writes it: `inventory."free memory"`. */
export function fieldText({ scope, name }: { scope: string; name: string }): string {
  return `${scope}.${/^[^\s"(),=<>!]+$/.test(name) ? name : `"${name}"`}`
}

/** A value as the language writes it. */
export function valueText(value: string): string {
  return /^[\w.:/@-]+$/.test(value) && !/^(and|or|not|in|like|has)$/i.test(value)
    ? value
    : `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
}

/** Both conditions at once; an empty one asks for nothing. */
export function both(a: string, b: string): string {
  if (a.trim() === '') return b
  if (b.trim() === '') return a
  return `(${a}) and ${b}`
}

/** The column that the server names in a fault, counted from 1. */
export function faultColumn(at: string | undefined): number | undefined {
  const match = /column (\d+)/.exec(at ?? '')
  return match === null ? undefined : Number(match[1])
}
