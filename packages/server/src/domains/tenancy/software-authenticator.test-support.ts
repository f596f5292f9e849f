import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto'

interface Settings {
  readonly rpId: string
  readonly origin: string
  readonly userVerified?: boolean
  readonly breakSignature?: boolean
  readonly userHandle?: string
  readonly type?: string
  readonly attestation?: string
  /** What the next assertion's counter is, instead of one more than the last. */
  readonly counter?: number
}

interface Device {
  readonly id: Buffer
  readonly privateKey: ReturnType<typeof generateKeyPairSync>['privateKey']
  readonly x: Buffer
  readonly y: Buffer
  counter: number
  userHandle: string
}

/** A security key in software (WebAuthn, ES256), with flaws on request. */
export function createAuthenticator(settings: Settings): Authenticator {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' })
  const coordinates = { x: Buffer.from(x, 'base64url'), y: Buffer.from(y, 'base64url') }
  return facade({ id: randomBytes(32), privateKey, ...coordinates, counter: 0, userHandle: '' }, settings)
}

export interface Authenticator {
  /** The same key, misbehaving. */
  flawed(flaws: Partial<Settings>): Authenticator
  create(challenge: string, userHandle: string): ReturnType<typeof create>
  get(challenge: string): ReturnType<typeof assertion>
}

function facade(device: Device, settings: Settings): Authenticator {
  return {
    flawed: (flaws) => facade(device, { ...settings, ...flaws }),
    create: (challenge, userHandle) => create(device, settings, challenge, userHandle),
    get: (challenge) => assertion(device, settings, challenge),
  }
}

function create(device: Device, settings: Settings, challenge: string, userHandle: string) {
  device.userHandle = userHandle
  const length = Buffer.from([0, device.id.length])
  const credential = Buffer.concat([Buffer.alloc(16), length, device.id, coseKey(device)])
  const data = Buffer.concat([authenticatorData(settings, 0, 0x40), credential])
  const format = settings.attestation ?? 'none'
  const statement: CborValue = format === 'none' ? new Map() : new Map([['x5c', [Buffer.from('certificate')]]])
  const attestation = cbor(
    new Map<string, CborValue>([
      ['fmt', format],
      ['attStmt', statement],
      ['authData', data],
    ]),
  )
  return {
    ...identity(device),
    response: {
      clientDataJSON: clientData(settings, challenge, 'webauthn.create').toString('base64url'),
      attestationObject: attestation.toString('base64url'),
      transports: ['internal'],
    },
  }
}

function assertion(device: Device, settings: Settings, challenge: string) {
  if (settings.counter === undefined) device.counter += 1
  const data = authenticatorData(settings, settings.counter ?? device.counter, 0)
  const client = clientData(settings, challenge, 'webauthn.get')
  const signed = Buffer.concat([data, createHash('sha256').update(client).digest()])
  const signature = sign('sha256', signed, device.privateKey)
  if (settings.breakSignature === true) signature.writeUInt8(signature.readUInt8(20) ^ 1, 20)
  const handle =
    settings.userHandle === undefined ? device.userHandle : Buffer.from(settings.userHandle).toString('base64url')
  return {
    ...identity(device),
    response: {
      clientDataJSON: client.toString('base64url'),
      authenticatorData: data.toString('base64url'),
      signature: signature.toString('base64url'),
      userHandle: handle,
    },
  }
}

function identity(device: Device) {
  const id = device.id.toString('base64url')
  return { id, rawId: id, type: 'public-key', clientExtensionResults: {} }
}

function clientData({ origin, type }: Settings, challenge: string, usual: string): Buffer {
  return Buffer.from(JSON.stringify({ type: type ?? usual, challenge, origin, crossOrigin: false }))
}

function authenticatorData({ rpId, userVerified }: Settings, counter: number, flags: number): Buffer {
  const count = Buffer.alloc(4)
  count.writeUInt32BE(counter)
  const present = 0x01 | (userVerified === false ? 0 : 0x04) | flags
  return Buffer.concat([createHash('sha256').update(rpId).digest(), Buffer.from([present]), count])
}

/** RFC 9053 7.1: an EC2 key for ES256. */
function coseKey({ x, y }: Device): Buffer {
  return cbor(
    new Map<number, CborValue>([
      [1, 2],
      [3, -7],
      [-1, 1],
      [-2, x],
      [-3, y],
    ]),
  )
}

type CborValue = number | string | Buffer | readonly CborValue[] | Map<string, CborValue> | Map<number, CborValue>

function cbor(value: CborValue): Buffer {
  if (typeof value === 'number') return value < 0 ? head(1, -1 - value) : head(0, value)
  if (typeof value === 'string') return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)])
  if (Buffer.isBuffer(value)) return Buffer.concat([head(2, value.length), value])
  if (value instanceof Map) {
    const entries = [...value].flatMap(([key, member]) => [cbor(key), cbor(member)])
    return Buffer.concat([head(5, value.size), ...entries])
  }
  const items = value as readonly CborValue[]
  return Buffer.concat([head(4, items.length), ...items.map(cbor)])
}

function head(major: number, length: number): Buffer {
  if (length < 24) return Buffer.from([(major << 5) | length])
  if (length < 256) return Buffer.from([(major << 5) | 24, length])
  return Buffer.from([(major << 5) | 25, length >> 8, length & 0xff])
}
