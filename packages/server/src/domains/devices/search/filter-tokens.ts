import { Fault } from '@holdfast/kernel'

export interface Token {
  readonly kind: 'word' | 'text' | 'mark' | 'end'
  readonly text: string
  /** Counted from 1. */
  readonly column: number
}

const longestFilter = 4_000
const pattern = /\s+|(?<mark>!=|<=|>=|[(),=<>])|"(?<text>(?:[^"\\]|\\["\\])*)"|(?<word>[^\s"(),=<>!]+)/y

/**
 * Splits a filter into words, quoted texts (`\"` and `\\` are the only escapes) and marks. Throws
 * `devices.filter_too_large` beyond 4,000 characters and `devices.filter_malformed` at a character that begins nothing.
 */
export function tokenise(filter: string): Token[] {
  if (filter.length > longestFilter) {
    throw new Fault('limited', 'devices.filter_too_large', `A filter has at most ${longestFilter} characters`)
  }
  const tokens: Token[] = []
  pattern.lastIndex = 0
  while (pattern.lastIndex < filter.length) {
    const column = pattern.lastIndex + 1
    const groups = pattern.exec(filter)?.groups
    if (groups === undefined) {
      const broken = filter[column - 1] === '"' ? 'a quoted text without its end' : `“${filter[column - 1]}”`
      throw malformed(column, `${broken} is not understood here`)
    }
    const { mark, text, word } = groups
    if (mark !== undefined) tokens.push({ kind: 'mark', text: mark, column })
    else if (text !== undefined) tokens.push({ kind: 'text', text: text.replace(/\\(["\\])/g, '$1'), column })
    else if (word !== undefined) tokens.push({ kind: 'word', text: word, column })
  }
  tokens.push({ kind: 'end', text: '', column: filter.length + 1 })
  return tokens
}

export function malformed(column: number, message: string): Fault {
  return new Fault('malformed', 'devices.filter_malformed', message, { at: `column ${column}` })
}
