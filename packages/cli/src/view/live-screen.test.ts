import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { createLiveScreen } from './live-screen.ts'

/** A terminal as far as the live screen uses one: a grid, a cursor, up, erase. */
function terminal(columns: number, rows: number) {
  const stream = Object.assign(new PassThrough(), { columns, rows }) as unknown as NodeJS.WriteStream
  const read = () => {
    const lines: string[] = ['']
    let at = 0
    const text = String((stream as unknown as PassThrough).read() ?? '').replaceAll(String.fromCharCode(27), '␛')
    for (const [, up, erase, below, newline, letter] of text.matchAll(/␛\[(\d+)A|(\r?␛\[2K)|(␛\[J)|(\n)|([^␛])/gu)) {
      if (up !== undefined) at -= Number(up)
      else if (erase !== undefined) lines[at] = ''
      else if (below !== undefined) lines.length = at + 1
      else if (newline !== undefined) {
        at += 1
        lines[at] ??= ''
      } else lines[at] = (lines[at] ?? '') + letter
    }
    return lines.slice(0, -1)
  }
  return { stream, read }
}

test('Each drawing replaces the one before, shorter ones too', () => {
  const { stream, read } = terminal(40, 10)
  const screen = createLiveScreen(stream)
  screen.draw(['one', 'two', 'three'])
  screen.draw(['1', '2'])
  assert.deepEqual(read(), ['1', '2'])
})

test('Lines that would wrap are cut, and more lines than fit are left out', () => {
  const { stream, read } = terminal(10, 3)
  const screen = createLiveScreen(stream)
  screen.draw(['a line that is too long', 'second', 'third', 'fourth'])
  assert.deepEqual(read(), ['a line th…', 'second'])
})
