import { styleText } from 'node:util'
import { type Column, formatTable } from './table.ts'

export type Tone = 'good' | 'bad' | 'warn' | 'dim' | 'strong'

const styles = { good: 'green', bad: 'red', warn: 'yellow', dim: 'dim', strong: 'bold' } as const

/** Colour only where a person looks: `styleText` checks the terminal, NO_COLOR and FORCE_COLOR. */
export function toned(tone: Tone, text: string, stream: NodeJS.WriteStream = process.stdout): string {
  return styleText(styles[tone], text, { stream })
}

/** What a command says. With `--json` exactly one JSON document goes to standard output; remarks go to standard error. */
export interface Output {
  readonly json: boolean
  /** The command's result: `value` for programs, `text` for people. */
  show(value: unknown, text: () => string): void
  /** A list: the items as they are for programs, a table for people. */
  list<T>(items: readonly T[], columns: readonly Column<T>[], empty: string, whole?: unknown): void
  /** A remark for people, such as what to do next. */
  note(text: string): void
  /** A result that is an act: `done` for people, the facts for programs. */
  done(text: string, facts?: object): void
}

export function createOutput(json: boolean): Output {
  const print = (text: string) => process.stdout.write(`${text}\n`)
  const printJson = (value: unknown) => print(JSON.stringify(value, null, 2))
  return {
    json,
    show(value, text) {
      if (json) printJson(value)
      else print(text())
    },
    list(items, columns, empty, whole) {
      if (json) printJson(whole ?? { items })
      else if (items.length === 0) print(toned('dim', empty))
      else print(formatTable(items, columns))
    },
    note(text) {
      if (json) process.stderr.write(`${text}\n`)
      else print(toned('dim', text))
    },
    done(text, facts = {}) {
      if (json) printJson({ done: true, ...facts })
      else print(text)
    },
  }
}
