import { createHash } from 'node:crypto'
import { type ByteSource, Fault } from '@holdfast/kernel'
import { CheckedContent, collect, type Digest, Tap } from '../content.ts'
import { type CpioLimits, type CpioMember, readCpio } from '../cpio.ts'
import { maxDescriptionBytes, parseDescription, type SwuDescription } from './description.ts'

export interface SwuReadOptions {
  readonly limits?: Partial<CpioLimits>
  /** Called with the raw `sw-description` and the CMS signature before the description is parsed; throws to refuse. */
  readonly verify?: (description: Uint8Array, signature: Uint8Array | null) => void
}

export interface SwuFile extends Digest {
  readonly name: string
}

export interface SwuPayloadFile extends SwuFile {
  /** Verified while it flows: the stream throws at its end when a digest is wrong. */
  readonly content: ByteSource
}

export interface SwuContents extends SwuDescription {
  readonly files: readonly SwuFile[]
  /** CMS in DER, as in `sw-description.sig`; null when there is none. Not verified unless `verify` did. */
  readonly signature: Uint8Array | null
  readonly rawDescription: Uint8Array
  /** Of the whole file. */
  readonly size: number
  readonly sha256: string
}

export interface OpenSwu {
  readonly description: SwuDescription
  readonly signature: Uint8Array | null
  readonly rawDescription: Uint8Array
  /** To be read once. Nothing of it may be put to use before `finish` has resolved. */
  readonly files: AsyncIterable<SwuPayloadFile>
  /** Reads what is left, and resolves when every byte was accounted for. */
  finish(): Promise<Digest>
}

const gibibyte = 1024 ** 3
const maxSignatureBytes = 64 * 1024

export const swuLimits: CpioLimits = { members: 512, memberBytes: 4 * gibibyte, bytes: 10 * gibibyte }

/** Reads a `.swu` once, holding only its description, and checks every digest in it. Throws a Fault that says what is wrong. */
export async function readSwu(source: ByteSource, options: SwuReadOptions = {}): Promise<SwuContents> {
  const swu = await openSwu(source, options)
  const files: SwuFile[] = []
  for await (const { name, size, sha256 } of swu.files) files.push({ name, size, sha256 })
  const whole = await swu.finish()
  return { ...swu.description, files, signature: swu.signature, rawDescription: swu.rawDescription, ...whole }
}

/** Reads as far as the first image: the description is then known, and checked by `verify`; the images are not. */
export async function openSwu(source: ByteSource, options: SwuReadOptions = {}): Promise<OpenSwu> {
  const whole = new Tap()
  const members = readCpio(whole.through(source), { name: 'the archive', limits: { ...swuLimits, ...options.limits } })
  try {
    const { next, ...head } = await readHead(members, options)
    const images = new Images(next, members, head.description)
    return {
      ...head,
      files: images.files,
      async finish() {
        await images.finish()
        return whole.digest()
      },
    }
  } catch (error) {
    await members.return()
    throw error
  }
}

async function readHead(members: AsyncGenerator<CpioMember, void, undefined>, options: SwuReadOptions) {
  const first = await members.next()
  if (first.done === true || first.value.name !== 'sw-description') {
    throw new Fault('malformed', 'formats.swu_order', 'the first file of the archive is not sw-description')
  }
  const rawDescription = await collect(first.value.content, maxDescriptionBytes, 'sw-description')
  let next = await members.next()
  let signature: Uint8Array | null = null
  if (next.done !== true && next.value.name === 'sw-description.sig') {
    signature = await collect(next.value.content, maxSignatureBytes, 'sw-description.sig')
    next = await members.next()
  }
  options.verify?.(rawDescription, signature)
  return { next, signature, rawDescription, description: parseDescription(rawDescription) }
}

class Images {
  readonly files: AsyncGenerator<SwuPayloadFile, void, undefined>
  #isComplete = false

  constructor(
    first: IteratorResult<CpioMember, void>,
    members: AsyncGenerator<CpioMember, void, undefined>,
    description: SwuDescription,
  ) {
    this.files = this.#read(first, members, description)
  }

  async finish(): Promise<void> {
    for await (const _ of this.files);
    if (!this.#isComplete) throw new Error('the images were left before their end, so nothing is known about them')
  }

  async *#read(
    first: IteratorResult<CpioMember, void>,
    members: AsyncGenerator<CpioMember, void, undefined>,
    description: SwuDescription,
  ): AsyncGenerator<SwuPayloadFile, void, undefined> {
    try {
      yield* imageFiles(first, members, description)
      this.#isComplete = true
    } finally {
      await members.return()
    }
  }
}

async function* imageFiles(
  first: IteratorResult<CpioMember, void>,
  members: AsyncGenerator<CpioMember, void, undefined>,
  description: SwuDescription,
): AsyncGenerator<SwuPayloadFile, void, undefined> {
  const missing = new Map<string, string>()
  for (const { filename, sha256 } of description.entries) {
    if (filename !== null && sha256 !== null) missing.set(filename, sha256)
  }
  for (let next = first; next.done !== true; next = await members.next()) {
    const { name, size, content: stored } = next.value
    const sha256 = missing.get(name)
    if (sha256 === undefined) throw mismatch(`${JSON.stringify(name)} is not in sw-description`)
    missing.delete(name)
    const hash = createHash('sha256')
    const content = new CheckedContent(stored, {
      update: (part) => hash.update(part),
      check: () => {
        if (hash.digest('hex') !== sha256) throw wrongDigest(name)
      },
    })
    yield { name, size, sha256, content: content.read() }
    await content.drain()
  }
  for (const name of missing.keys()) throw mismatch(`${JSON.stringify(name)} is missing`)
}

function wrongDigest(name: string): Fault {
  return new Fault(
    'refused',
    'formats.digest',
    `the SHA-256 of ${JSON.stringify(name)} is not the one in sw-description`,
  )
}

function mismatch(message: string): Fault {
  return new Fault('malformed', 'formats.swu_content', message)
}
