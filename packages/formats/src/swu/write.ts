import { NameSet, requireSafeFileName } from '../safe-name.ts'
import { type PreparedContent, prepareContent, type SignDescription, type SwuContent, writeArchive } from './archive.ts'
import type { SwuSection } from './description.ts'
import { formatLibconfig, type LibconfigValue } from './libconfig.ts'

export interface SwuItem extends SwuContent {
  readonly section: SwuSection
  /** Settings for the handler: type, device, path, name, version, installed-directly, properties … */
  readonly settings: { readonly [name: string]: LibconfigValue }
}

export interface SwuSpec {
  readonly version: string
  readonly name?: string
  readonly description?: string
  /** Revisions of the board that may install it. */
  readonly hardwareCompatibility: readonly string[]
  /** More settings of the group `software`, such as `reboot`. */
  readonly settings?: { readonly [name: string]: LibconfigValue }
  readonly items: readonly SwuItem[]
  readonly sign?: SignDescription
}

interface PreparedItem extends PreparedContent {
  readonly item: SwuItem
}

/** Streams a `.swu`. Equal specs give equal bytes (but for the signature). */
export async function* writeSwu(spec: SwuSpec): AsyncGenerator<Uint8Array, void, undefined> {
  await using spools = new AsyncDisposableStack()
  const names = new NameSet()
  for (const reserved of ['sw-description', 'sw-description.sig']) names.add(reserved)
  const prepared: PreparedItem[] = []
  for (const item of spec.items) {
    names.add(requireSafeFileName(item.filename))
    prepared.push({ item, ...(await prepareContent(item, spools)) })
  }
  const description = new TextEncoder().encode(formatDescription(spec, prepared))
  yield* writeArchive(description, prepared, spec.sign)
}

function formatDescription(spec: SwuSpec, prepared: readonly PreparedItem[]): string {
  const section = (name: SwuSection) => {
    const groups = prepared.filter(({ item }) => item.section === name).map(formatEntry)
    return groups.length === 0 ? {} : { [name]: groups }
  }
  return formatLibconfig({
    software: {
      version: spec.version,
      ...(spec.name === undefined ? {} : { name: spec.name }),
      ...(spec.description === undefined ? {} : { description: spec.description }),
      'hardware-compatibility': [...spec.hardwareCompatibility],
      ...spec.settings,
      ...section('images'),
      ...section('files'),
      ...section('scripts'),
    },
  })
}

function formatEntry({ item, digest }: PreparedItem): { readonly [name: string]: LibconfigValue } {
  return {
    filename: item.filename,
    ...item.settings,
    ...(item.compress === undefined ? {} : { compressed: item.compress }),
    ...(item.encrypt === undefined ? {} : { encrypted: true, ivt: Buffer.from(item.encrypt.iv).toString('hex') }),
    sha256: digest.sha256,
  }
}
