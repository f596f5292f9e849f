import { stripVTControlCharacters } from 'node:util'

/** Lines that replace each other in a terminal. */
export interface LiveScreen {
  draw(lines: readonly string[]): void
}

export function createLiveScreen(stream: NodeJS.WriteStream = process.stdout): LiveScreen {
  let drawn = 0
  return {
    draw(lines) {
      const width = stream.columns ?? 80
      const fitting = lines.slice(0, Math.max(1, (stream.rows ?? 24) - 1)).map((line) => cut(line, width))
      const up = drawn > 0 ? `\u001b[${drawn}A` : ''
      stream.write(`${up}${fitting.map((line) => `\r\u001b[2K${line}\n`).join('')}\u001b[J`)
      drawn = fitting.length
    },
  }
}

/** A line that wraps would make every later redraw climb too little. */
function cut(line: string, width: number): string {
  const plain = stripVTControlCharacters(line)
  return plain.length <= width ? line : `${plain.slice(0, width - 1)}…`
}
