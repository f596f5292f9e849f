import { Fault, messageOf } from '@holdfast/kernel'
import { operations } from '@holdfast/protocol'
import type { Database } from '../../platform/db/index.ts'
import type { Products } from '../products/index.ts'
import { readCsv } from './csv.ts'
import { findByIdentity } from './device-store.ts'
import { identityHash } from './identity.ts'
import type { Operator } from './operate.ts'
import type { Preauthorisation, Preauthorise } from './preauthorise.ts'

export interface ImportNeeds {
  readonly db: Database
  readonly products: Products
  readonly preauthorise: Preauthorise
}

export interface ImportOptions {
  readonly format: 'csv' | 'jsonl'
  readonly product: string | undefined
  readonly dryRun: boolean
}

export interface ImportOutcome {
  readonly imported: number
  readonly refused: { line: number; error: string }[]
}

interface Line {
  readonly line: number
  /** Throws for a line that is no device. */
  read(): unknown
}

type Prepared = ReturnType<Preauthorise['prepare']>
interface Waiting {
  readonly line: number
  readonly prepared: Prepared
}

const largestFile = 256 * 1024 * 1024
const longestLine = 32_768
const mostRefusals = 1_000
/** Devices in one transaction: bounds how long it holds everybody up. */
const devicesPerWrite = 20
const reserved = new Set(['name', 'product', 'tags', 'public_key', 'controller_id'])
const Shape = operations.devices.preauthorise.body.omit({ targetToken: true })

/** Preauthorises many devices from a stream; a bad line is named and left out, and the others are kept. */
export function createImport({ db, products, preauthorise }: ImportNeeds) {
  async function writeAll(operator: Operator, batch: readonly Waiting[], refuse: Refuse): Promise<number> {
    try {
      await db.write(async (tx) => {
        for (const { prepared } of batch) await preauthorise.insert(tx, operator, prepared)
      })
      return batch.length
    } catch (thrown) {
      if (!(thrown instanceof Fault) || thrown.kind === 'unavailable') throw thrown
      const [only] = batch
      if (batch.length === 1 && only !== undefined) {
        refuse(only.line, thrown)
        return 0
      }
    }
    // One of them is bad: each alone tells which.
    let written = 0
    for (const one of batch) written += await writeAll(operator, [one], refuse)
    return written
  }

  async function tryAll(operator: Operator, batch: readonly Waiting[], refuse: Refuse): Promise<number> {
    let good = 0
    for (const { line, prepared } of batch) {
      const known = await findByIdentity(db.read, identityHash(operator.organisation, prepared.identity))
      if (known === undefined) good += 1
      else refuse(line, new Fault('conflict', 'devices.identity_taken', 'a device with this identity is known already'))
    }
    return good
  }

  return async (
    operator: Operator,
    bytes: AsyncIterable<Uint8Array>,
    options: ImportOptions,
  ): Promise<ImportOutcome> => {
    await preauthorise.requirePlace(operator, options.product)
    const known = await products.list(operator.organisation)
    const refused: ImportOutcome['refused'] = []
    const refuse: Refuse = (line, thrown) => {
      if (refused.length < mostRefusals) refused.push({ line, error: messageOf(thrown).slice(0, 500) })
    }
    const settle = options.dryRun ? tryAll : writeAll
    const text = decode(bytes)
    let imported = 0
    let batch: Waiting[] = []
    for await (const line of options.format === 'csv' ? csvLines(text) : jsonLines(text)) {
      try {
        const input = readDevice(line, known, options.product)
        if (input.product !== options.product) await preauthorise.requirePlace(operator, input.product)
        batch.push({ line: line.line, prepared: preauthorise.prepare(input) })
      } catch (thrown) {
        if (!(thrown instanceof Fault)) throw thrown
        refuse(line.line, thrown)
      }
      if (batch.length < devicesPerWrite) continue
      imported += await settle(operator, batch, refuse)
      batch = []
    }
    if (batch.length > 0) imported += await settle(operator, batch, refuse)
    return { imported, refused }
  }
}

type Refuse = (line: number, thrown: Fault) => void
type Known = Awaited<ReturnType<Products['list']>>

function readDevice(line: Line, products: Known, product: string | undefined): Preauthorisation {
  const raw = line.read()
  const named = namedProduct(raw, products)
  const parsed = Shape.safeParse(named)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw bad(`${issue?.path.map(String).join('.') ?? ''}: ${issue?.message ?? 'not a device'}`)
  }
  return { ...parsed.data, product: parsed.data.product ?? product }
}

/** A product may be given by its key too: files are written by people. */
function namedProduct(raw: unknown, products: Known): unknown {
  if (typeof raw !== 'object' || raw === null || !('product' in raw)) return raw
  const { product } = raw
  const found = products.find(({ id, key }) => product === id || product === key)
  if (found === undefined) throw bad(`there is no product ${String(product)}`)
  return { ...raw, product: found.id }
}

async function* decode(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let size = 0
  try {
    for await (const part of bytes) {
      size += part.length
      if (size > largestFile) throw new Fault('limited', 'devices.import_too_large', 'the file is larger than 256 MiB')
      yield decoder.decode(part, { stream: true })
    }
    yield decoder.decode()
  } catch (thrown) {
    if (thrown instanceof TypeError) throw bad('the file is not UTF-8')
    throw thrown
  }
}

async function* jsonLines(text: AsyncIterable<string>): AsyncGenerator<Line, void, undefined> {
  let rest = ''
  let line = 0
  const toLine = (content: string): Line | undefined => {
    line += 1
    if (content.trim() === '') return undefined
    return { line, read: () => readJson(content) }
  }
  for await (const part of text) {
    const pieces = (rest + part).split('\n')
    rest = pieces.pop() ?? ''
    if (rest.length > longestLine)
      throw bad(`line ${line + pieces.length + 1} is longer than ${longestLine} characters`)
    for (const piece of pieces) {
      const one = toLine(piece)
      if (one !== undefined) yield one
    }
  }
  const last = toLine(rest)
  if (last !== undefined) yield last
}

function readJson(content: string): unknown {
  if (content.length > longestLine) throw bad(`the line is longer than ${longestLine} characters`)
  try {
    return JSON.parse(content)
  } catch (thrown) {
    throw bad(`not JSON: ${messageOf(thrown)}`)
  }
}

/**
 * The first record names the columns: `name`, `product`, `tags` (parted by `;`), `public_key`, `controller_id`; every
 * other column is an attribute of the identity. Empty cells are left out.
 */
async function* csvLines(text: AsyncIterable<string>): AsyncGenerator<Line, void, undefined> {
  let columns: readonly string[] | undefined
  for await (const { line, fields } of readCsv(text)) {
    if (columns === undefined) {
      columns = fields.map((column) => column.replace(/^\uFEFF/, '').trim())
      if (new Set(columns).size < columns.length || columns.includes('')) {
        throw bad('the first line must name every column, each once')
      }
      continue
    }
    const names = columns
    yield { line, read: () => readCells(names, fields) }
  }
}

function readCells(columns: readonly string[], fields: readonly string[]): unknown {
  if (fields.length !== columns.length) throw bad(`${fields.length} fields instead of ${columns.length}`)
  const cells = new Map(columns.map((column, index) => [column, (fields[index] ?? '').trim()]))
  const given = (column: string) => cells.get(column) || undefined
  const identity = [...cells].filter(([column, value]) => !reserved.has(column) && value !== '')
  const [name, product, tags] = [given('name'), given('product'), given('tags')]
  const [publicKey, controllerId] = [given('public_key'), given('controller_id')]
  return {
    identity: Object.fromEntries(
      identity.length === 0 && controllerId !== undefined ? [['controllerId', controllerId]] : identity,
    ),
    ...(name === undefined ? {} : { name }),
    ...(product === undefined ? {} : { product }),
    ...(tags === undefined ? {} : { tags: tags.split(';').map((tag) => tag.trim()) }),
    ...(publicKey === undefined ? {} : { publicKey: publicKey.replaceAll('\\n', '\n') }),
    ...(controllerId === undefined ? {} : { controllerId }),
  }
}

function bad(message: string): Fault {
  return new Fault('malformed', 'devices.import_malformed', message)
}
