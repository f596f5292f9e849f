import { Fault } from '@holdfast/kernel'

export interface PemBlock {
  readonly label: string
  readonly bytes: Uint8Array
  /** The block as it stood in the text, for readers that want PEM. */
  readonly text: string
}

const block = /-----BEGIN ([A-Z0-9 ]{1,40})-----\r?\n([^-]*)-----END ([A-Z0-9 ]{1,40})-----/g

/**
 * The PEM blocks of a text in order (RFC 7468); text around them is ignored. Blocks with RFC 1421 headers keep
 * empty `bytes`. Throws `crypto.bad_pem` for broken blocks or when there is none.
 */
export function readPem(text: string, options: { maxBytes?: number; maxBlocks?: number } = {}): PemBlock[] {
  const maxBytes = options.maxBytes ?? 1 << 18
  const maxBlocks = options.maxBlocks ?? 64
  if (text.length > maxBytes) throw new Fault('limited', 'crypto.too_large', `PEM is larger than ${maxBytes} bytes`)
  const blocks: PemBlock[] = []
  for (const match of text.matchAll(block)) {
    const [whole, label = '', body = '', end] = match
    if (label !== end) throw badPem(`a block begins as ${label} and ends as ${end}`)
    if (blocks.length === maxBlocks)
      throw new Fault('limited', 'crypto.too_large', `PEM has more than ${maxBlocks} blocks`)
    blocks.push({ label, bytes: body.includes(':') ? new Uint8Array(0) : readBase64(body), text: whole })
  }
  const begun = text.split('-----BEGIN ').length - 1
  if (blocks.length === 0 || begun !== blocks.length) throw badPem('not PEM, or a block is cut off')
  return blocks
}

export function writePem(label: string, bytes: Uint8Array): string {
  const lines =
    Buffer.from(bytes)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}

function readBase64(body: string): Uint8Array {
  const text = body.replace(/[\r\n \t]/g, '')
  if (text.length === 0 || text.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(text))
    throw badPem('a block is not base64')
  return new Uint8Array(Buffer.from(text, 'base64'))
}

function badPem(message: string): Fault {
  return new Fault('malformed', 'crypto.bad_pem', message)
}
