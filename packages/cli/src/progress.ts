import { toned } from './output.ts'
import { bytes } from './wording.ts'

/** A line that is redrawn in a terminal; elsewhere nothing is drawn, so that logs stay readable. */
export interface Progress {
  advance(by: number): void
  end(): void
}

const drawEvery = 100
const barWidth = 28

/** How much of `total` bytes has passed, on standard error. */
export function createProgress(what: string, total: number, stream: NodeJS.WriteStream = process.stderr): Progress {
  let done = 0
  let drawnAt = 0
  const begun = Date.now()
  const draw = () => {
    const share = total === 0 ? 1 : Math.min(1, done / total)
    const rate = done / Math.max(0.001, (Date.now() - begun) / 1000)
    const text = `${what}  ${bar(share, barWidth)} ${String(Math.round(share * 100)).padStart(3)} %  ${bytes(done)} of ${bytes(total)}  ${bytes(rate)}/s`
    stream.write(`\r\u001b[2K${text}`)
  }
  return {
    advance(by) {
      done += by
      if (!stream.isTTY || Date.now() - drawnAt < drawEvery) return
      drawnAt = Date.now()
      draw()
    },
    end() {
      if (stream.isTTY) stream.write('\r\u001b[2K')
    },
  }
}

/** Passes a stream on while its progress is shown. */
export async function* withProgress(source: AsyncIterable<Uint8Array>, progress: Progress): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    progress.advance(chunk.length)
    yield chunk
  }
}

export function bar(share: number, width: number): string {
  const full = Math.round(Math.max(0, Math.min(1, share)) * width)
  return `${toned('good', '█'.repeat(full))}${toned('dim', '░'.repeat(width - full))}`
}
