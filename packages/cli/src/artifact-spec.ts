import { randomBytes } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import type { MenderSpec } from '@holdfast/formats/mender/write'
import type { SwuItem, SwuSpec } from '@holdfast/formats/swu/write'
import { Fault, messageOf } from '@holdfast/kernel'
import { parse } from 'yaml'
import { z } from 'zod'

const Setting = z.union([z.string(), z.number(), z.boolean()])

/** `swu.yaml`: what a .swu installs and how. */
const SwuFile = z.strictObject({
  version: z.string().optional(),
  name: z.string().optional(),
  description: z.string().optional(),
  hardware: z.array(z.string()).min(1).optional(),
  settings: z.record(z.string(), Setting).optional(),
  items: z
    .array(
      z.strictObject({
        file: z.string(),
        section: z.enum(['images', 'files', 'scripts']).default('images'),
        compress: z.enum(['zlib', 'zstd']).optional(),
        encrypt: z.boolean().default(false),
        /** For the handler: type, device, path, name, version, installed-directly … */
        settings: z.record(z.string(), z.union([Setting, z.record(z.string(), Setting)])).default({}),
      }),
    )
    .min(1)
    .max(500),
})

const swuFileName = 'swu.yaml'

/** Reads a directory's `swu.yaml`, or that file itself; content is found beside it. */
export async function readSwuSpec(path: string, contentKey?: Uint8Array): Promise<Omit<SwuSpec, 'sign'>> {
  const file = (await stat(path)).isDirectory() ? join(path, swuFileName) : path
  const spec = await readYaml(file)
  const base = dirname(file)
  const items = spec.items.map((item): SwuItem => {
    if (item.encrypt && contentKey === undefined) {
      throw new Fault(
        'refused',
        'cli.content_key',
        `${item.file} is to be encrypted: give the key with --encrypt-key FILE`,
      )
    }
    return {
      section: item.section,
      filename: basename(item.file),
      content: { path: resolve(base, item.file) },
      settings: item.settings,
      ...(item.compress === undefined ? {} : { compress: item.compress }),
      ...(item.encrypt && contentKey !== undefined ? { encrypt: { key: contentKey, iv: randomBytes(16) } } : {}),
    }
  })
  return {
    version: spec.version ?? '',
    hardwareCompatibility: spec.hardware ?? [],
    items,
    ...(spec.name === undefined ? {} : { name: spec.name }),
    ...(spec.description === undefined ? {} : { description: spec.description }),
    ...(spec.settings === undefined ? {} : { settings: spec.settings }),
  }
}

async function readYaml(file: string): Promise<z.output<typeof SwuFile>> {
  const text = await readFile(file, 'utf8').catch((thrown: unknown) => {
    throw new Fault('missing', 'cli.swu_spec', `${file} cannot be read: ${messageOf(thrown)}`, { cause: thrown })
  })
  let content: unknown
  try {
    content = parse(text)
  } catch (thrown) {
    throw new Fault('malformed', 'cli.swu_spec', `${file}: ${messageOf(thrown)}`, { cause: thrown })
  }
  const parsed = SwuFile.safeParse(content)
  if (parsed.success) return parsed.data
  const faults = parsed.error.issues.map(
    (issue) => `  ${issue.path.map(String).join('.') || 'the file'}: ${issue.message}`,
  )
  throw new Fault('malformed', 'cli.swu_spec', `${file} is not a description of a .swu:\n${faults.join('\n')}`)
}

/** The regular files of the arguments; a directory stands for those directly in it. */
export async function payloadFiles(paths: readonly string[]): Promise<MenderSpec['files']> {
  const files: { name: string; content: { path: string } }[] = []
  for (const path of paths) {
    const state = await stat(path).catch((thrown: unknown) => {
      throw new Fault('missing', 'cli.no_file', `there is no file ${path}`, { cause: thrown })
    })
    if (!state.isDirectory()) files.push({ name: basename(path), content: { path } })
    else {
      for (const entry of await readdir(path, { withFileTypes: true })) {
        if (entry.isFile()) files.push({ name: entry.name, content: { path: join(path, entry.name) } })
      }
    }
  }
  return files
}
