import type { IncomingMessage } from 'node:http'

const blockSize = 256 * 1024

/**
 * The body of a request in blocks, because every step that follows costs something for each piece. There is one buffer: a
 * block is valid until the next one is asked for. Whoever stops reading leaves the request as it is, so that it can still be
 * answered.
 */
export async function* uploadBlocks(message: IncomingMessage): AsyncGenerator<Uint8Array> {
  const block = Buffer.allocUnsafeSlow(blockSize)
  let filled = 0
  for await (const chunk of message.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer<ArrayBuffer>>) {
    for (let taken = 0; taken < chunk.length; ) {
      const part = chunk.subarray(taken, taken + blockSize - filled)
      block.set(part, filled)
      filled += part.length
      taken += part.length
      if (filled < blockSize) continue
      yield block
      filled = 0
    }
    giveBack(chunk)
  }
  if (filled > 0) yield block.subarray(0, filled)
}

/**
 * Frees the memory of a piece at once. Left to the collector, the pieces of a large upload make it go through the whole
 * heap again and again, which was measured to cost more than hashing them.
 */
function giveBack(chunk: Buffer<ArrayBuffer>): void {
  // What shares its memory with others is not ours to free.
  if (chunk.buffer.byteLength === chunk.length) chunk.buffer.transfer(0)
}
