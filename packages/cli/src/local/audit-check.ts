import { createPrivateKey } from 'node:crypto'
import { readKeyFile } from '@holdfast/crypto/key-file'
import { exportLog, logIdentity } from '@holdfast/server/domains/audit/index'
import type { Reader } from '@holdfast/server/platform/db/index'
import { verifyEvidence } from '@holdfast/trust/evidence'

export interface CheckedLog {
  readonly organisation: string
  readonly records: number
}

/** Verifies every organisation's audit log as it lies in a database, against the log key beside it. */
export async function checkAuditLogs(db: Reader, keyFile: string): Promise<CheckedLog[]> {
  const key = createPrivateKey(new TextDecoder().decode(await readKeyFile(keyFile)))
  const checked: CheckedLog[] = []
  for (const { organisation, checkpoint } of await db
    .selectFrom('audit_log')
    .select(['organisation', 'checkpoint'])
    .execute()) {
    const [origin = ''] = checkpoint.split('\n', 1)
    const identity = logIdentity(origin, key)
    const { size } = await verifyEvidence(linesOf(exportLog(db, organisation, identity)), {
      verifierKey: identity.verifierKey,
    })
    checked.push({ organisation, records: size })
  }
  return checked
}

async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  for await (const chunk of chunks) yield* decoder.decode(chunk).trimEnd().split('\n')
}
