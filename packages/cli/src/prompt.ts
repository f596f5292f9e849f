import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { UsageError } from './failure.ts'

/** Asks on standard error, so that standard output stays the command's result. Throws where nobody can answer. */
export async function ask(question: string, instead: string): Promise<string> {
  requireTerminal(instead)
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return (await lines.question(question)).trim()
  } finally {
    lines.close()
  }
}

/** Asks for a secret without showing it. */
export async function askSecret(question: string, instead: string): Promise<string> {
  requireTerminal(instead)
  process.stderr.write(question)
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input: process.stdin, output: silent, terminal: true })
  try {
    return await lines.question('')
  } finally {
    lines.close()
    process.stderr.write('\n')
  }
}

export async function confirm(question: string, instead: string): Promise<boolean> {
  return /^y(es)?$/i.test(await ask(`${question} [y/N] `, instead))
}

/** The first line of standard input: for secrets that a program hands over. */
export async function readSecretLine(): Promise<string> {
  const lines = createInterface({ input: process.stdin })
  for await (const line of lines) {
    lines.close()
    return line
  }
  throw new UsageError('standard input is empty')
}

function requireTerminal(instead: string): void {
  if (!process.stdin.isTTY || !process.stderr.isTTY) throw new UsageError(`nobody can be asked here: ${instead}`)
}
