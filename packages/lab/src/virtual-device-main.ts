// A virtual device as a process of its own: `virtual-device-main.ts DIRECTORY`, where device.json says what it is.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readKeyFile, writeKeyFile } from '@holdfast/crypto/key-file'
import { generateKey, parsePublicKey, privateKeyPem, readPrivateKey } from '@holdfast/crypto/keys'
import { Fault } from '@holdfast/kernel'
import { type DeviceEvent, runVirtualDevice } from './virtual-device.ts'
import type { DeviceFile } from './virtual-device-file.ts'

const directory = process.argv[2]
if (directory === undefined) throw new Error('say which directory the device lives in')
const stop = new AbortController()
process.on('SIGTERM', () => stop.abort())
// A Ctrl-C reaches the whole terminal; whoever started this device decides when it ends.
process.on('SIGINT', () => {})
process.on('disconnect', () => stop.abort())

const file = JSON.parse(await readFile(join(directory, 'device.json'), 'utf8')) as DeviceFile
await runVirtualDevice(
  {
    ...file,
    root: join(directory, 'root'),
    key: await ownKey(join(directory, 'device.key')),
    verifyKey: parsePublicKey(file.verifyKey),
  },
  tell,
  stop.signal,
)
if (process.connected) process.disconnect()

function tell(event: DeviceEvent): void {
  if (process.connected) process.send?.(event)
  else if (process.send === undefined) console.log(JSON.stringify(event))
}

/** Made at the first start, on the device; it never leaves it. */
async function ownKey(path: string) {
  try {
    return readPrivateKey(new TextDecoder().decode(await readKeyFile(path)))
  } catch (thrown) {
    if (!(thrown instanceof Fault) || thrown.kind !== 'missing') throw thrown
    const { privateKey } = await generateKey('p256')
    await writeKeyFile(path, privateKeyPem(privateKey))
    return privateKey
  }
}
