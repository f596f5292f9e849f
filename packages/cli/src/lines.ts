import { Fault } from '@holdfast/kernel'

/** The lines of a text stream, none longer than `limit`. Throws `cli.line_too_long`, and what the stream throws. */
export async function* linesOf(source: AsyncIterable<Uint8Array>, limit: number): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: false })
  let rest = ''
  for await (const chunk of source) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = parts.pop() ?? ''
    if (rest.length > limit)
      throw new Fault('limited', 'cli.line_too_long', `a line is longer than ${limit} characters`)
    yield* parts
  }
  rest += decoder.decode()
  if (rest !== '') yield rest
}
