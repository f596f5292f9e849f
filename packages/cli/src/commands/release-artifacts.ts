import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { signDetachedCms } from '@holdfast/crypto/cms'
import { keyFingerprint } from '@holdfast/crypto/keys'
import { readCertificates } from '@holdfast/crypto/x509'
import { collect } from '@holdfast/formats/content'
import { signMenderManifest } from '@holdfast/formats/mender/signature'
import { Fault } from '@holdfast/kernel'
import type { Command } from 'commander'
import { type Operator, operatorOf } from '../connection.ts'
import { UsageError } from '../failure.ts'
import { readPem, readSigningKey } from '../key-material.ts'
import { createProgress, withProgress } from '../progress.ts'
import type { Release } from '../resolve-names.ts'
import { bytes, count, short } from '../wording.ts'
import { writeWhole } from './artifact-write.ts'

const maxManifestBytes = 4 * 1024 * 1024

/** What a release is made of, and who signed it. */
export function registerReleaseArtifacts(release: Command): void {
  release
    .command('upload')
    .argument('<release>')
    .argument('<files...>', 'Mender artifacts or .swu')
    .description('upload artifacts; each is checked whole and stored, or refused with the reason')
    .action(upload)
  release
    .command('sign')
    .argument('<release>')
    .description('sign its artifacts here, with your key; the server gets the signature only')
    .requiredOption('--key <file>', 'private key')
    .option('--certificate <file>', 'the signer’s certificate, for .swu')
    .option('--passphrase-file <file>', 'opens the private key')
    .option('--artifact <name>', 'only this one')
    .action(sign)
  release
    .command('download')
    .argument('<release>')
    .argument('<artifact>', 'file name')
    .description('get an artifact back')
    .option('--out <file>', 'where to (default: its own name)')
    .action(download)
  release
    .command('take-out')
    .argument('<release>')
    .argument('<artifact>', 'file name')
    .description('take an artifact out of a draft')
    .action(takeOut)
}

async function upload(text: string, files: string[], _options: object, command: Command): Promise<void> {
  const { client, out, names } = await operatorOf(command)
  const release = await names.release(text)
  const artifacts: Release['artifacts'] = []
  for (const file of files) {
    const { size } = await stat(file)
    const progress = createProgress(basename(file), size)
    try {
      const artifact = await client.releases.uploadArtifact({
        params: { release: release.id, fileName: basename(file) },
        body: withProgress(createReadStream(file, { highWaterMark: 256 * 1024 }), progress),
      })
      artifacts.push(artifact)
    } finally {
      progress.end()
    }
  }
  out.show({ items: artifacts }, () =>
    artifacts
      .map(
        (artifact) =>
          `Stored ${artifact.fileName}: ${artifact.name}, ${bytes(artifact.size)}, signature ${artifact.signature.verdict.replaceAll('_', ' ')}`,
      )
      .join('\n'),
  )
  const unsigned = artifacts.some((artifact) => artifact.signature.verdict !== 'trusted')
  if (unsigned) out.note(`Sign it: holdfast release sign ${short(release.id)} --key KEYFILE`)
  else out.note(`Release it: holdfast release release ${short(release.id)}`)
}

interface SignOptions {
  readonly key: string
  readonly certificate?: string
  readonly passphraseFile?: string
  readonly artifact?: string
}

async function sign(text: string, options: SignOptions, command: Command): Promise<void> {
  const operator = await operatorOf(command)
  const release = await operator.names.release(text)
  const signed = await signRelease(operator, release, options)
  const { trusted, required } = (await operator.client.releases.get({ params: { release: release.id } })).signatures
  operator.out.done(
    `Signed ${count(signed.length, 'artifact')} with ${keyFingerprint(await readSigningKey(options.key, options.passphraseFile))}; ${trusted} trusted of ${required} needed`,
    { id: release.id, artifacts: signed, trusted, required },
  )
  if (trusted < required) operator.out.note('Does the product trust this key? holdfast product trust-key PRODUCT FILE')
  else operator.out.note(`Release it: holdfast release release ${short(release.id)}`)
}

/** Fetches what each signature must cover, signs it here, and attaches the signature. Answers the file names. */
export async function signRelease(
  operator: Pick<Operator, 'client'>,
  release: Release,
  options: SignOptions,
): Promise<string[]> {
  const key = await readSigningKey(options.key, options.passphraseFile)
  const chosen = release.artifacts.filter(
    (artifact) => options.artifact === undefined || artifact.fileName === options.artifact,
  )
  if (chosen.length === 0) throw new Fault('missing', 'cli.no_artifact', 'the release has no such artifact to sign')
  for (const { fileName, format } of chosen) {
    const params = { release: release.id, fileName }
    const manifest = await collect(
      await operator.client.releases.manifest({ params }),
      maxManifestBytes,
      'the manifest',
    )
    const signature =
      format === 'mender'
        ? signMenderManifest(manifest, key)
        : await signDescription(manifest, key, options.certificate)
    await operator.client.releases.attachSignature({
      params,
      body: { signature: Buffer.from(signature).toString('base64') },
    })
  }
  return chosen.map(({ fileName }) => fileName)
}

async function signDescription(
  content: Uint8Array,
  key: Awaited<ReturnType<typeof readSigningKey>>,
  certificateFile: string | undefined,
): Promise<Uint8Array> {
  if (certificateFile === undefined) throw new UsageError('a .swu is signed with --key and --certificate')
  const [certificate, ...chain] = readCertificates(await readPem(certificateFile)).map(({ der }) => der)
  if (certificate === undefined)
    throw new Fault('malformed', 'cli.certificate', `${certificateFile} holds no certificate`)
  return signDetachedCms({ content, certificate, chain, key })
}

async function download(text: string, fileName: string, options: { out?: string }, command: Command): Promise<void> {
  const { client, out, names } = await operatorOf(command)
  const release = await names.release(text)
  const file = options.out ?? basename(fileName)
  await writeWhole(file, await client.releases.downloadArtifact({ params: { release: release.id, fileName } }))
  out.done(`Wrote ${file}`, { file })
}

async function takeOut(text: string, fileName: string, _options: object, command: Command): Promise<void> {
  const { client, out, names } = await operatorOf(command)
  const release = await names.release(text)
  await client.releases.removeArtifact({ params: { release: release.id, fileName } })
  out.done(`Took ${fileName} out of ${release.product.name} ${release.version}`, { id: release.id })
}
