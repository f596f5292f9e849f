import { Fault } from '@holdfast/kernel'

/** A record and the line on which it begins, counted from 1. */
export interface CsvRecord {
  readonly line: number
  readonly fields: readonly string[]
}

const longestRecord = 32_768
const mostFields = 256

/**
 * Reads comma-separated values (RFC 4180: quotes doubled, line breaks allowed inside quotes) as they arrive. Throws
 * `devices.import_malformed` for a record without end.
 */
export async function* readCsv(text: AsyncIterable<string>): AsyncGenerator<CsvRecord, void, undefined> {
  const reader = new CsvReader()
  for await (const part of text) yield* reader.take(part)
  yield* reader.end()
}

class CsvReader {
  #fields: string[] = []
  #field = ''
  #size = 0
  #line = 1
  #begun = 1
  /** `quoted`: inside quotes. `closing`: behind a quote that may end the field or be the first of two. */
  #state: 'plain' | 'quoted' | 'closing' = 'plain';

  *take(part: string): Generator<CsvRecord, void, undefined> {
    for (const character of part) {
      if (character === '\n') this.#line += 1
      this.#size += 1
      if (this.#size > longestRecord) throw this.#malformed(`a record is longer than ${longestRecord} characters`)
      if (this.#state === 'quoted') {
        if (character === '"') this.#state = 'closing'
        else this.#field += character
      } else if (character === '"') this.#quote()
      else if (character === ',') this.#endField()
      else if (character === '\n') yield* this.#endRecord()
      else if (this.#state === 'closing' && character !== '\r') throw this.#malformed('text follows a closing quote')
      else this.#field += character
    }
  }

  *end(): Generator<CsvRecord, void, undefined> {
    if (this.#state === 'quoted') throw this.#malformed('a quote is never closed')
    yield* this.#endRecord()
  }

  #quote(): void {
    if (this.#state === 'closing') {
      this.#field += '"'
      this.#state = 'quoted'
    } else if (this.#field === '') this.#state = 'quoted'
    else this.#field += '"'
  }

  #endField(): void {
    if (this.#fields.length >= mostFields) throw this.#malformed(`a record has more than ${mostFields} fields`)
    this.#fields.push(this.#field)
    this.#field = ''
    this.#state = 'plain'
  }

  *#endRecord(): Generator<CsvRecord, void, undefined> {
    if (this.#field.endsWith('\r')) this.#field = this.#field.slice(0, -1)
    this.#endField()
    const record = { line: this.#begun, fields: this.#fields }
    this.#fields = []
    this.#size = 0
    this.#begun = this.#line
    if (record.fields.length > 1 || record.fields[0] !== '') yield record
  }

  #malformed(why: string): Fault {
    return new Fault('malformed', 'devices.import_malformed', why, { at: `line ${this.#begun}` })
  }
}
