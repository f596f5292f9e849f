import { day, Fault, hour, minute, second } from '@holdfast/kernel'
import type { RangeOperator } from './compare-values.ts'
import { allOf, anyOf, everything, type Field, type Filter, scopes, systemFields, type Term } from './filter.ts'
import { malformed, type Token, tokenise } from './filter-tokens.ts'
import { canonicalValue, type Value } from './value.ts'

const deepest = 16
const mostTerms = 64
const longestName = 256

/**
 * Reads the filter language that README.md describes; empty text means every device. Throws
 * `devices.filter_malformed` with the column and what was expected, or `devices.filter_too_large`.
 */
export function parseFilter(text: string): Filter {
  return new FilterParser(tokenise(text)).parse()
}

class FilterParser {
  readonly #tokens: readonly Token[]
  #at = 0
  #terms = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  parse(): Filter {
    if (this.#peek().kind === 'end') return everything
    const filter = this.#choice(0)
    if (this.#peek().kind !== 'end') throw this.#expected('“and”, “or” or the end')
    return filter
  }

  #choice(depth: number): Filter {
    const first = this.#conjunction(depth)
    const rest: Filter[] = []
    while (this.#accept('or')) rest.push(this.#conjunction(depth))
    return anyOf([first, ...rest])
  }

  #conjunction(depth: number): Filter {
    const parts = [this.#factor(depth)]
    while (this.#accept('and')) parts.push(this.#factor(depth))
    return allOf(parts)
  }

  #factor(depth: number): Filter {
    if (depth > deepest) throw tooLarge(`A filter is nested at most ${deepest} deep`)
    if (this.#accept('not')) return { is: 'not', of: this.#factor(depth + 1) }
    if (!this.#accept('(')) return this.#term()
    const inner = this.#choice(depth + 1)
    if (!this.#accept(')')) throw this.#expected('“)”, “and” or “or”')
    return inner
  }

  #term(): Filter {
    this.#countTerm()
    if (this.#accept('has')) return { is: 'has', field: this.#field() }
    const word = this.#peek()
    if (word.kind === 'word' && (word.text === 'seen' || word.text === 'registered')) return this.#age(word.text)
    const field = this.#field()
    if (this.#accept('like')) return { is: 'like', field, pattern: String(this.#value()) }
    if (this.#accept('in')) return { is: 'in', field, values: this.#list() }
    if (this.#accept('not')) {
      if (!this.#accept('in')) throw this.#expected('“in”')
      return { is: 'not', of: { is: 'in', field, values: this.#list() } }
    }
    if (this.#accept('=')) return { is: 'equal', field, operator: '=', value: this.#value() }
    if (this.#accept('!=')) return { is: 'equal', field, operator: '!=', value: this.#value() }
    return this.#range(field)
  }

  #range(field: Field): Term {
    const operator = this.#acceptRange()
    if (operator === undefined) throw this.#expected('=, !=, <, <=, >, >=, “in”, “not in” or “like”')
    const token = this.#peek()
    const value = this.#value()
    if (typeof value === 'boolean') throw malformed(token.column, 'A truth value has no order; compare it with =')
    return { is: 'range', field, operator, value }
  }

  #age(of: 'seen' | 'registered'): Term {
    this.#at += 1
    const operator = this.#acceptRange()
    if (operator === undefined) throw this.#expected('<, <=, > or >=')
    const token = this.#peek()
    const match = /^(\d{1,9})(s|m|h|d)$/.exec(token.text)
    if (token.kind !== 'word' || match === null) throw this.#expected('a duration such as 30s, 15m, 2h or 7d')
    this.#at += 1
    return { is: 'age', of, operator, milliseconds: Number(match[1]) * unit(match[2]) }
  }

  #field(): Field {
    const token = this.#peek()
    if (token.kind !== 'word' || isKeyword(token.text)) throw this.#expected('a field')
    this.#at += 1
    const dot = token.text.indexOf('.')
    if (dot === -1) {
      if (systemFields.some((name) => name === token.text)) return { scope: 'system', name: token.text }
      throw malformed(token.column, `“${token.text}” is not a field; expected one of ${fieldNames}`)
    }
    const scope = scopes.find((known) => known !== 'system' && known === token.text.slice(0, dot))
    if (scope === undefined)
      throw malformed(token.column, `“${token.text}” is not a field; expected one of ${fieldNames}`)
    return { scope, name: this.#name(token, token.text.slice(dot + 1)) }
  }

  /** A name with spaces or marks is quoted: `inventory."free memory"`. */
  #name(token: Token, written: string): string {
    const next = this.#peek()
    const quoted = written === '' && next.kind === 'text' && next.column === token.column + token.text.length
    if (quoted) this.#at += 1
    const name = quoted ? next.text : written
    if (name === '' || name.length > longestName) {
      throw malformed(token.column, `The name of an attribute has 1 to ${longestName} characters`)
    }
    return name
  }

  #list(): Value[] {
    if (!this.#accept('(')) throw this.#expected('“(”')
    const values = [this.#value()]
    while (this.#accept(',')) {
      this.#countTerm()
      values.push(this.#value())
    }
    if (!this.#accept(')')) throw this.#expected('“,” or “)”')
    return values
  }

  #value(): Value {
    const token = this.#peek()
    if (token.kind === 'text') {
      this.#at += 1
      return canonicalValue(token.text)
    }
    if (token.kind !== 'word' || isKeyword(token.text)) throw this.#expected('a value')
    this.#at += 1
    return valueOfWord(token.text)
  }

  #acceptRange(): RangeOperator | undefined {
    for (const operator of ['<=', '>=', '<', '>'] as const) if (this.#accept(operator)) return operator
    return undefined
  }

  #accept(text: string): boolean {
    const token = this.#peek()
    const matches =
      token.kind === 'word' ? token.text.toLowerCase() === text : token.kind === 'mark' && token.text === text
    if (matches) this.#at += 1
    return matches
  }

  #peek(): Token {
    return this.#tokens[this.#at] as Token
  }

  #countTerm(): void {
    this.#terms += 1
    if (this.#terms > mostTerms) throw tooLarge(`A filter has at most ${mostTerms} comparisons and listed values`)
  }

  #expected(what: string): Fault {
    const token = this.#peek()
    return malformed(token.column, `Expected ${what}, found ${token.kind === 'end' ? 'the end' : `“${token.text}”`}`)
  }
}

/** What a value without quotes means: a decimal number, `true`, `false`, or else text. */
export function valueOfWord(word: string): Value {
  if (/^-?(?:0|[1-9]\d{0,14})(?:\.\d{1,15})?$/.test(word)) return canonicalValue(Number(word))
  const folded = word.toLowerCase()
  return folded === 'true' || folded === 'false' ? folded === 'true' : canonicalValue(word)
}

const keywords = new Set(['and', 'or', 'not', 'in', 'like', 'has'])

export function isKeyword(word: string): boolean {
  return keywords.has(word.toLowerCase())
}

const fieldNames = [
  ...systemFields,
  'seen',
  'registered',
  ...scopes.filter((scope) => scope !== 'system').map((scope) => `${scope}.<name>`),
].join(', ')

function unit(letter: string | undefined): number {
  if (letter === 's') return second
  if (letter === 'm') return minute
  return letter === 'h' ? hour : day
}

function tooLarge(message: string): Fault {
  return new Fault('limited', 'devices.filter_too_large', message)
}
