/** Numbers below 2^32 in one to five bytes, seven bits each, least significant first. */
export function varintSize(value: number): number {
  if (value < 0x80) return 1
  if (value < 0x4000) return 2
  if (value < 0x20_0000) return 3
  return value < 0x1000_0000 ? 4 : 5
}

/** Writes at `at` and returns the position behind it. */
export function writeVarint(target: Uint8Array, at: number, value: number): number {
  let rest = value
  let position = at
  while (rest >= 0x80) {
    target[position++] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  target[position++] = rest
  return position
}

/** Reads a sequence of numbers and byte strings; `failed` is thrown when the bytes end inside one of them. */
export class VarintReader {
  readonly #bytes: Uint8Array
  readonly #failed: () => Error
  #at: number

  constructor(bytes: Uint8Array, at: number, failed: () => Error) {
    this.#bytes = bytes
    this.#at = at
    this.#failed = failed
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.length
  }

  number(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#bytes[this.#at++]
      if (byte === undefined) throw this.#failed()
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value
    }
    throw this.#failed()
  }

  bytes(length: number): Uint8Array {
    const end = this.#at + length
    if (end > this.#bytes.length) throw this.#failed()
    const part = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return part
  }
}
