import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Fault } from '@holdfast/kernel'
import { readConfig } from './config.ts'

function faultOf(work: () => unknown): Fault {
  try {
    work()
  } catch (thrown) {
    assert.ok(thrown instanceof Fault)
    return thrown
  }
  throw new assert.AssertionError({ message: 'it did not throw' })
}

function withFile(content: string, work: (path: string) => void) {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-config-'))
  const path = join(directory, 'holdfast.yaml')
  writeFileSync(path, content)
  try {
    work(path)
  } finally {
    rmSync(directory, { recursive: true })
  }
}

test('nothing has to be configured', () => {
  const config = readConfig({})
  assert.equal(config.listen.port, 8443)
  assert.equal(config.database.url, undefined)
  assert.ok(config.data.endsWith('.holdfast'))
})

test('the environment wins over the file, and what is given directly over both', () => {
  withFile('listen:\n  port: 1000\n  devicePort: 1001\n', (path) => {
    const environment = { HOLDFAST_CONFIG: path, HOLDFAST_LISTEN_DEVICE_PORT: '2001' }
    const config = readConfig(environment, { listen: { metricsPort: 3 } })
    assert.deepEqual([config.listen.port, config.listen.devicePort, config.listen.metricsPort], [1000, 2001, 3])
  })
})

test('all faults are reported together, each with its place', () => {
  withFile('listen:\n  port: 99999\n  colour: red\nunknown: 1\n', (path) => {
    const fault = faultOf(() =>
      readConfig({ HOLDFAST_CONFIG: path, HOLDFAST_NONSENSE: '1', HOLDFAST_DEVICES_POLL_SECONDS: 'often' }),
    )
    assert.equal(fault.code, 'config.invalid')
    for (const part of ['listen.port', 'colour', 'unknown', 'HOLDFAST_NONSENSE', 'devices.pollSeconds']) {
      assert.ok(fault.message.includes(part), `${part} is not named in: ${fault.message}`)
    }
  })
})

test('what is no address, and half of a certificate, are found before a server is started with it', () => {
  for (const wrong of ['10.0.0.0/33', 'example.com', '::1/129', '10.0.0.1/8/8', '']) {
    const fault = faultOf(() => readConfig({}, { proxies: { trusted: ['10.0.0.0/8', '::1', wrong] } }))
    assert.match(fault.message, /proxies\.trusted\.2: neither an address/)
  }
  assert.match(faultOf(() => readConfig({ HOLDFAST_TLS_KEY: 'a.key' })).message, /tls: certificate and key go together/)
})

test('a file that was named and is not there, or is no mapping, is a fault', () => {
  assert.match(faultOf(() => readConfig({ HOLDFAST_CONFIG: '/nowhere/holdfast.yaml' })).message, /there is no file/)
  withFile('- a\n- b\n', (path) =>
    assert.match(faultOf(() => readConfig({ HOLDFAST_CONFIG: path })).message, /not a mapping/),
  )
  withFile('a: [1,\n', (path) =>
    assert.equal(faultOf(() => readConfig({ HOLDFAST_CONFIG: path })).code, 'config.invalid'),
  )
})
