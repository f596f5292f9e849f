import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** How far the demo of a data directory came; a start that was interrupted is taken up where it stopped. */
export interface DemoState {
  readonly organisation?: string
  readonly product?: string
  readonly release?: string
  readonly deployment?: string
  readonly finished?: boolean
}

const file = 'demo.json'

export async function readDemoState(directory: string): Promise<DemoState> {
  const text = await readFile(join(directory, file), 'utf8').catch(() => undefined)
  return text === undefined ? {} : (JSON.parse(text) as DemoState)
}

export async function writeDemoState(directory: string, state: DemoState): Promise<void> {
  const draft = join(directory, `${file}.new`)
  await writeFile(draft, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 })
  await rename(draft, join(directory, file))
}
