import { stripVTControlCharacters, styleText } from 'node:util'

export interface Column<T> {
  readonly title: string
  readonly value: (item: T) => string
  readonly right?: boolean
}

/** Columns as wide as their widest value; the last one runs free. */
export function formatTable<T>(items: readonly T[], columns: readonly Column<T>[]): string {
  const rows = items.map((item) => columns.map((column) => oneLine(column.value(item))))
  const widths = columns.map((column, index) =>
    Math.max(column.title.length, ...rows.map((row) => widthOf(row[index] ?? ''))),
  )
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, index) => align(cell, widths[index] ?? 0, columns[index]?.right === true))
      .join('  ')
      .trimEnd()
  const head = line(columns.map((column) => column.title.toUpperCase()))
  return [styleText('dim', head, { stream: process.stdout }), ...rows.map(line)].join('\n')
}

/** Names and values, one a line; absent values are left out. */
export function formatFacts(facts: readonly (readonly [name: string, value: string | undefined])[]): string {
  const present = facts.filter((fact): fact is [string, string] => fact[1] !== undefined && fact[1] !== '')
  const width = Math.max(...present.map(([name]) => name.length))
  return present
    .map(
      ([name, value]) =>
        `${styleText('dim', name.padEnd(width), { stream: process.stdout })}  ${indent(value, width + 2)}`,
    )
    .join('\n')
}

function indent(text: string, by: number): string {
  return text.replaceAll('\n', `\n${' '.repeat(by)}`)
}

function align(text: string, width: number, right: boolean): string {
  const padding = ' '.repeat(Math.max(0, width - widthOf(text)))
  return right ? padding + text : text + padding
}

function widthOf(text: string): number {
  return [...stripVTControlCharacters(text)].length
}

/** What devices and people wrote must not steer the terminal. */
function oneLine(text: string): string {
  return text.replaceAll(/[\r\n\t]+/g, ' ').replaceAll(controls, '')
}

const escapeByte = String.fromCharCode(27)
// Everything that is a control character but the escape of our own colours, which ends in “m”.
const controls = new RegExp(`(?!${escapeByte}\\[[\\d;]*m)\\p{Cc}`, 'gu')
