import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { allOperations } from '@holdfast/protocol'

const source = fileURLToPath(new URL('../src', import.meta.url))
const code = readdirSync(source, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => readFileSync(join(source, name), 'utf8'))
  .join('\n')

/** What only a browser can do, or only the console needs. */
const elsewhere = new Set([
  'session.setupState',
  'session.setup',
  'session.switchOrganisation',
  'session.changePassword',
  'session.startTotp',
  'session.confirmTotp',
  'session.removeTotp',
  'session.passkeys',
  'session.startPasskey',
  'session.addPasskey',
  'session.removePasskey',
  'session.startPasskeySignIn',
  'session.passkeySignIn',
  'session.startSso',
  'session.finishSso',
  'session.acceptInvitation',
  'system.events',
  'audit.file',
  'deployments.ofDevice',
])

test('Every operation of the REST interface has a command, or is listed as one for the console', () => {
  const missing = allOperations()
    .map((operation) => operation.id)
    .filter((id) => !elsewhere.has(id) && !code.includes(`client.${id}(`))
  assert.deepEqual(missing, [])
})

test('Control: the search for commands finds an operation that has none', () => {
  assert.ok(!code.includes('client.devices.nothingLikeThis('))
})
