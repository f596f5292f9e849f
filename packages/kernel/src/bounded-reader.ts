import { Fault } from './fault.ts'

export type ByteSource = AsyncIterable<Uint8Array>

/**
 * Reads a byte stream in exact pieces and never holds more than one chunk plus the piece asked for.
 * Everything that could be large is read through `pass`, which streams. Throws `kernel.truncated` when the
 * source ends early and `kernel.too_large` when it goes beyond `limit` bytes in total.
 */
export class BoundedReader {
  readonly #source: AsyncIterator<Uint8Array>
  readonly #limit: number
  readonly #name: string
  #chunk: Uint8Array = new Uint8Array(0)
  #position = 0

  constructor(source: ByteSource, options: { limit: number; name: string }) {
    this.#source = source[Symbol.asyncIterator]()
    this.#limit = options.limit
    this.#name = options.name
  }

  /** Bytes handed out so far. */
  get position(): number {
    return this.#position
  }

  /** Exactly `length` bytes, copied; `length` must be small, it is held in memory. */
  async take(length: number): Promise<Uint8Array> {
    const piece = new Uint8Array(length)
    let filled = 0
    for await (const part of this.pass(length)) {
      piece.set(part, filled)
      filled += part.length
    }
    return piece
  }

  /** Streams exactly `length` bytes; each part is a view that is valid until the next one is asked for. */
  async *pass(length: number): AsyncGenerator<Uint8Array, void, undefined> {
    let rest = length
    while (rest > 0) {
      if (this.#chunk.length === 0 && !(await this.#fill())) throw this.#truncated(rest)
      const part = this.#chunk.subarray(0, rest)
      this.#chunk = this.#chunk.subarray(part.length)
      this.#position += part.length
      rest -= part.length
      yield part
    }
  }

  /** Streams everything that is left; parts are views as those of `pass`. */
  async *rest(): AsyncGenerator<Uint8Array, void, undefined> {
    while (!(await this.atEnd())) yield* this.pass(this.#chunk.length)
  }

  async skip(length: number): Promise<void> {
    for await (const _ of this.pass(length));
  }

  /** True when the source has no byte left. */
  async atEnd(): Promise<boolean> {
    return this.#chunk.length === 0 && !(await this.#fill())
  }

  /** Lets go of the source, read to its end or not. */
  async close(): Promise<void> {
    await this.#source.return?.()
  }

  async #fill(): Promise<boolean> {
    while (true) {
      const next = await this.#source.next()
      if (next.done === true) return false
      if (next.value.length === 0) continue
      this.#chunk = next.value
      if (this.#position + next.value.length > this.#limit) {
        throw new Fault('limited', 'kernel.too_large', `${this.#name} is larger than ${this.#limit} bytes`)
      }
      return true
    }
  }

  #truncated(missing: number): Fault {
    return new Fault('malformed', 'kernel.truncated', `${this.#name} ends ${missing} bytes too early`, {
      at: `byte ${this.#position}`,
    })
  }
}
