import { Fault } from '@holdfast/kernel'

export type LibconfigValue =
  | string
  | number
  | boolean
  | readonly LibconfigValue[]
  | { readonly [name: string]: LibconfigValue }

const maxDepth = 24
const maxValues = 10_000

const space = /(?:[ \t\r\n\f]+|#[^\n]*|\/\/[^\n]*|\/\*[^*]*\*+(?:[^/*][^*]*\*+)*\/)*/y
const settingName = /[A-Za-z*][-A-Za-z0-9_*]*/y
const quoted = /"((?:[^"\\\n]|\\[\\"abfnrtv]|\\x[0-9a-fA-F]{2})*)"/y
const number =
  /[-+]?(?:0[xX][0-9a-fA-F]+|[0-9]*\.[0-9]+(?:[eE][-+]?[0-9]+)?|[0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?)L?L?/y
const escapes: Readonly<Record<string, string>> = { a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' }

/**
 * Parses the libconfig language (settings, groups, lists, arrays, scalars, comments); `@include` is refused,
 * because a description must stand alone. Throws `formats.libconfig` with the line.
 */
export function parseLibconfig(text: string): { readonly [name: string]: LibconfigValue } {
  const parser = new LibconfigParser(text)
  return parser.parse()
}

class LibconfigParser {
  readonly #text: string
  #at = 0
  #depth = 0
  #values = 0

  constructor(text: string) {
    this.#text = text
  }

  parse(): { readonly [name: string]: LibconfigValue } {
    this.#skipSpace()
    const settings = this.#settings('')
    if (this.#at < this.#text.length) throw this.#fault('a setting is expected')
    return settings
  }

  #settings(end: string): { readonly [name: string]: LibconfigValue } {
    const found = new Map<string, LibconfigValue>()
    while (this.#at < this.#text.length && this.#text[this.#at] !== end) {
      const name = this.#match(settingName)?.[0]
      if (name === undefined) throw this.#fault('the name of a setting is expected')
      if (found.has(name)) throw this.#fault(`${name} is set twice`)
      if (!this.#accept('=') && !this.#accept(':')) throw this.#fault(`= or : is expected after ${name}`)
      found.set(name, this.#value())
      if (!this.#accept(';')) this.#accept(',')
    }
    return Object.fromEntries(found)
  }

  #value(): LibconfigValue {
    this.#values += 1
    if (this.#values > maxValues) throw this.#fault(`there are more than ${maxValues} values`)
    if (this.#accept('{')) return this.#nested('}', () => this.#settings('}'))
    if (this.#accept('(')) return this.#nested(')', () => this.#elements(')'))
    if (this.#accept('[')) return this.#nested(']', () => this.#elements(']'))
    return this.#scalar()
  }

  #nested<T extends LibconfigValue>(end: string, read: () => T): T {
    this.#depth += 1
    if (this.#depth > maxDepth) throw this.#fault(`it is nested deeper than ${maxDepth}`)
    const value = read()
    if (!this.#accept(end)) throw this.#fault(`${end} is expected`)
    this.#depth -= 1
    return value
  }

  #elements(end: string): LibconfigValue[] {
    const found: LibconfigValue[] = []
    while (this.#text[this.#at] !== end) {
      found.push(this.#value())
      if (!this.#accept(',')) break
    }
    return found
  }

  #scalar(): LibconfigValue {
    let text = this.#match(quoted)?.[1]
    if (text !== undefined) {
      // Adjacent strings are one.
      for (let more = this.#match(quoted); more !== null; more = this.#match(quoted)) text += more[1] ?? ''
      return unescapeText(text)
    }
    const digits = this.#match(number)?.[0]
    if (digits !== undefined) return this.#number(digits)
    const word = this.#match(settingName)?.[0].toLowerCase()
    if (word === 'true' || word === 'false') return word === 'true'
    throw this.#fault('a value is expected')
  }

  #number(digits: string): number {
    const plain = digits.replace(/L+$/, '')
    const sign = plain.startsWith('-') ? -1 : 1
    const value = sign * Number(plain.replace(/^[-+]/, ''))
    if (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value))) {
      throw this.#fault(`the number ${digits.slice(0, 40)} is out of range`)
    }
    return value
  }

  #accept(character: string): boolean {
    if (this.#text[this.#at] !== character) return false
    this.#at += 1
    this.#skipSpace()
    return true
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at
    const match = pattern.exec(this.#text)
    if (match === null) return null
    this.#at = pattern.lastIndex
    this.#skipSpace()
    return match
  }

  #skipSpace(): void {
    space.lastIndex = this.#at
    this.#at += space.exec(this.#text)?.[0].length ?? 0
  }

  #fault(why: string): Fault {
    const line = this.#text.slice(0, this.#at).split('\n').length
    return new Fault('malformed', 'formats.libconfig', `line ${line}: ${why}`, { at: `line ${line}` })
  }
}

function unescapeText(text: string): string {
  return text.replace(/\\(?:x([0-9a-fA-F]{2})|(.))/g, (_, hex: string | undefined, letter: string | undefined) =>
    hex === undefined ? (escapes[letter ?? ''] ?? letter ?? '') : String.fromCharCode(Number.parseInt(hex, 16)),
  )
}

/** Writes settings in the order given; lists of groups as lists, lists of scalars as arrays. */
export function formatLibconfig(settings: { readonly [name: string]: LibconfigValue }): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name} = ${formatValue(value, '')};\n`)
    .join('')
}

function formatValue(value: LibconfigValue, indent: string): string {
  if (typeof value === 'string') return quote(value)
  if (value === null || !['boolean', 'number', 'object'].includes(typeof value)) {
    throw new Fault('malformed', 'formats.libconfig', `${JSON.stringify(value)} has no form in libconfig`)
  }
  if (typeof value !== 'object') return String(value)
  const inner = `${indent}  `
  if (Array.isArray(value)) {
    const items = value.map((item: LibconfigValue) => formatValue(item, inner))
    if (value.every((item) => typeof item !== 'object')) return `[ ${items.join(', ')} ]`
    return `(\n${items.map((item) => `${inner}${item}`).join(',\n')}\n${indent})`
  }
  const members = Object.entries(value).map(([name, member]) => {
    if (!/^[A-Za-z*][-A-Za-z0-9_*]*$/.test(name)) {
      throw new Fault('malformed', 'formats.libconfig', `${JSON.stringify(name)} cannot be the name of a setting`)
    }
    return `${inner}${name} = ${formatValue(member, inner)};\n`
  })
  return `{\n${members.join('')}${indent}}`
}

function quote(text: string): string {
  const escaped = text.replace(/[\\"]/g, '\\$&').replace(/\p{Cc}/gu, (character) => {
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`
  })
  return `"${escaped}"`
}
