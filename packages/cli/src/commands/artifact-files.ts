import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { verifyDetachedCms } from '@holdfast/crypto/cms'
import { keyFingerprint, parsePublicKey } from '@holdfast/crypto/keys'
import { certificateFingerprint, readCertificates } from '@holdfast/crypto/x509'
import { type MenderDescription, readMenderArtifact } from '@holdfast/formats/mender/read'
import { signMenderArtifact } from '@holdfast/formats/mender/sign'
import { signMenderManifest, verifyMenderSignature } from '@holdfast/formats/mender/signature'
import { readSwu, type SwuContents } from '@holdfast/formats/swu/read'
import { Fault } from '@holdfast/kernel'
import type { Command } from 'commander'
import { outputOf } from '../connection.ts'
import { readPem, readSigningKey } from '../key-material.ts'
import { toned } from '../output.ts'
import { formatFacts } from '../table.ts'
import { bytes } from '../wording.ts'
import { writeWhole } from './artifact-write.ts'

const chunk = { highWaterMark: 256 * 1024 }

interface SignOptions {
  readonly key: string
  readonly out?: string
  readonly passphraseFile?: string
}

export async function signArtifact(file: string, options: SignOptions, command: Command): Promise<void> {
  const output = outputOf(command)
  const key = await readSigningKey(options.key, options.passphraseFile)
  if ((await formatOf(file)) === 'swu') {
    throw new Fault(
      'refused',
      'cli.swu_signed_when_written',
      'a .swu is signed while it is written: holdfast artifact write … --key --certificate',
    )
  }
  await readMenderArtifact(createReadStream(file, chunk))
  const out = options.out ?? file
  await writeWhole(
    out,
    signMenderArtifact(createReadStream(file, chunk), (manifest) => signMenderManifest(manifest, key)),
  )
  output.done(`Signed ${out} with ${keyFingerprint(key)}`, { file: out, fingerprint: keyFingerprint(key) })
}

export async function verifyArtifact(file: string, options: { key: string }, command: Command): Promise<void> {
  const output = outputOf(command)
  const pem = await readPem(options.key)
  const signer = (await formatOf(file)) === 'swu' ? await verifySwu(file, pem) : await verifyMender(file, pem)
  output.done(`${toned('good', 'verified')}: ${file} is whole and signed by ${signer}`, { file, signer })
}

async function verifyMender(file: string, pem: string): Promise<string> {
  const key = parsePublicKey(pem)
  await readMenderArtifact(createReadStream(file, chunk), {
    verify: (manifest, signature) => verifyMenderSignature(manifest, signature, key),
  })
  return keyFingerprint(key)
}

async function verifySwu(file: string, pem: string): Promise<string> {
  const trusted = readCertificates(pem).map(({ der }) => der)
  let signer = ''
  await readSwu(createReadStream(file, chunk), {
    verify(content, signature) {
      if (signature === null)
        throw new Fault('unauthenticated', 'formats.signature_missing', 'the archive is not signed')
      signer = certificateFingerprint(
        verifyDetachedCms({ content, signature, trusted, at: Date.now(), usage: 'any' }).signer,
      )
    },
  })
  return signer
}

interface ReadOptions {
  readonly maxFiles?: number
}

export async function readArtifact(file: string, options: ReadOptions, command: Command): Promise<void> {
  const output = outputOf(command)
  if ((await formatOf(file)) === 'swu') {
    const swu = await readSwu(createReadStream(file, chunk))
    output.show(describeSwu(swu), () => swuText(swu))
    return
  }
  const limits = options.maxFiles === undefined ? {} : { limits: { files: options.maxFiles } }
  const artifact = await readMenderArtifact(createReadStream(file, chunk), limits)
  output.show(describeMender(artifact), () => menderText(artifact))
}

function describeMender({ manifest: _manifest, scripts, ...rest }: MenderDescription) {
  return { format: 'mender', ...rest, scripts: scripts.map(({ name, size, sha256 }) => ({ name, size, sha256 })) }
}

function menderText(artifact: MenderDescription): string {
  const depends = Object.entries(artifact.payloadDepends).map(
    ([name, value]) => `${name} = ${[value].flat().join(' or ')}`,
  )
  return formatFacts([
    ['format', 'Mender artifact, version 3'],
    ['name', artifact.name],
    ['group', artifact.group ?? undefined],
    ['device types', artifact.depends.deviceTypes.join(', ')],
    ['module', artifact.payloadType ?? 'none'],
    [
      'provides',
      Object.entries(artifact.payloadProvides)
        .map((pair) => pair.join(' = '))
        .join('\n'),
    ],
    ['depends', [...artifact.depends.artifactNames, ...depends].join('\n')],
    ['clears', artifact.clears.join('\n')],
    ['meta-data', artifact.metaData === null ? undefined : JSON.stringify(artifact.metaData)],
    ['files', artifact.files.map(fileLine).join('\n')],
    ['scripts', artifact.scripts.map(({ name }) => name).join('\n')],
    ['signature', artifact.signature === null ? toned('warn', 'none') : 'present; check it: holdfast artifact verify'],
    ['size', bytes(artifact.size)],
    ['sha256', artifact.sha256],
  ])
}

function describeSwu({ rawDescription: _raw, signature, ...rest }: SwuContents) {
  return { format: 'swu', ...rest, signature: signature === null ? null : Buffer.from(signature).toString('base64') }
}

function swuText(swu: SwuContents): string {
  const hardware = swu.hardware.map(
    ({ board, revisions }) => `${board === null ? '' : `${board}: `}${revisions.join(', ')}`,
  )
  return formatFacts([
    ['format', 'SWUpdate archive'],
    ['name', swu.name ?? undefined],
    ['version', swu.version],
    ['description', swu.description ?? undefined],
    ['hardware', hardware.join('\n')],
    [
      'installs',
      swu.entries
        .map(
          (entry) =>
            `${entry.filename ?? '–'}  ${entry.section}  ${entry.type ?? ''}${entry.encrypted ? '  encrypted' : ''}`,
        )
        .join('\n'),
    ],
    ['files', swu.files.map(fileLine).join('\n')],
    ['signature', swu.signature === null ? toned('warn', 'none') : 'present; check it: holdfast artifact verify'],
    ['size', bytes(swu.size)],
    ['sha256', swu.sha256],
  ])
}

function fileLine({ name, size, sha256 }: { name: string; size: number; sha256: string }): string {
  return `${name}  ${bytes(size)}  ${sha256}`
}

/** By the first bytes: cpio (newc) is a .swu, anything else must prove to be a Mender artifact. */
async function formatOf(path: string): Promise<'mender' | 'swu'> {
  const file = await open(path, 'r').catch((thrown: unknown) => {
    throw new Fault('missing', 'cli.no_file', `there is no file ${path}`, { cause: thrown })
  })
  try {
    const { buffer } = await file.read(Buffer.alloc(6), 0, 6, 0)
    return /^07070[12]$/.test(buffer.toString('latin1')) ? 'swu' : 'mender'
  } finally {
    await file.close()
  }
}
