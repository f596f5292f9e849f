import { mkdir } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { readKeyFile, writeKeyFile } from '@holdfast/crypto/key-file'
import { Fault } from '@holdfast/kernel'
import { z } from 'zod'

const Context = z.object({
  url: z.url(),
  token: z.string(),
  /** So that logging out can revoke it. */
  tokenId: z.string().optional(),
  /** PEM of the one authority that is believed for this server; absent: those of the system. */
  ca: z.string().optional(),
  who: z.string(),
  organisation: z.string(),
})
const ContextFile = z.object({ current: z.string(), contexts: z.record(z.string(), Context) })

export type ContextFile = z.output<typeof ContextFile>

function contextsPath(environment: NodeJS.ProcessEnv = process.env): string {
  const base = environment.XDG_CONFIG_HOME ?? join(environment.HOME ?? homedir(), '.config')
  return join(base, 'holdfast', 'contexts.json')
}

/** The servers that this user is signed in to. Throws `cli.contexts` for a file that is damaged. */
export async function readContexts(path = contextsPath()): Promise<ContextFile> {
  let text: string
  try {
    text = new TextDecoder().decode(await readKeyFile(path, { maxBytes: 1 << 20 }))
  } catch (thrown) {
    if (thrown instanceof Fault && thrown.kind === 'missing') return { current: 'default', contexts: {} }
    throw thrown
  }
  try {
    return ContextFile.parse(JSON.parse(text))
  } catch (thrown) {
    throw new Fault('malformed', 'cli.contexts', `${path} is damaged; remove it and sign in again`, { cause: thrown })
  }
}

export async function writeContexts(file: ContextFile, path = contextsPath()): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  await writeKeyFile(path, `${JSON.stringify(file, null, 2)}\n`, { replace: true })
}
